// A client of event streams as they are usually written over Node's http, to stand beside assay in
// bench/load/streams.sh: JSON parsed, a time taken for each event as it is read.
//
//     node client_node.js URL STREAMS SECONDS       prints JSON as bench/load/gaps.c does, and what it used
'use strict';
const http = require('http');

const [url, streams, seconds] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const agent = new http.Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: streams });
const errors = [];
const until = performance.now() + seconds * 1000;
let events = 0;
let open = streams;

function stream() {
  if (performance.now() >= until) {
    if (--open === 0) finish();
    return;
  }
  const request = http.request(url, { method: 'POST', agent }, (answer) => {
    let rest = '';
    let last = 0;
    let theirs = 0n;
    answer.setEncoding('utf8');
    answer.on('data', (chunk) => {
      const lines = (rest + chunk).split('\n\n');
      rest = lines.pop();
      for (const line of lines) {
        if (!line.startsWith('data: ')) continue;
        const event = JSON.parse(line.slice(6));
        const now = performance.now();
        if (event.type !== 'token') continue;
        const stamp = BigInt(event.t);
        events++;
        if (last > 0 && stamp > 0n) errors.push(Math.abs((now - last) * 1e6 - Number(stamp - theirs)));
        last = now;
        theirs = stamp;
      }
    });
    answer.on('end', stream);
  });
  request.end('{"prompt":"x"}');
}

function finish() {
  const used = process.resourceUsage();
  agent.destroy();
  const ordered = Float64Array.from(errors).sort();
  const rank = (share) => Math.round(ordered[Math.max(0, Math.ceil(ordered.length * share) - 1)] || 0);
  console.log(JSON.stringify({
    read: { count: ordered.length, p50: rank(0.5), p90: rank(0.9), p99: rank(0.99), 'p99.9': rank(0.999), max: rank(1) },
    events, processor: (used.userCPUTime + used.systemCPUTime) / 1e6, kilobytes: used.maxRSS,
  }));
}

for (let i = 0; i < streams; i++) stream();
