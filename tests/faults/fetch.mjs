// What Node's fetch makes of one answer: node fetch.mjs URL JSON-BODY FAULT
const [url, body, fault] = process.argv.slice(2);

function countEvents(text) {
  let events = 0;
  let broken = 0;
  for (const block of text.split(/\r?\n\r?\n/)) {
    const data = /^data: ?(.*)$/m.exec(block);
    if (!data) continue;
    events++;
    if (data[1] === '[DONE]') continue;
    try {
      JSON.parse(data[1]);
    } catch {
      broken++;
    }
  }
  return `${events} events${broken ? `, ${broken} not JSON` : ''}`;
}

let text = '';
let status = 0;
let outcome = 'complete';
try {
  const response = await fetch(url, {
    method: body ? 'POST' : 'GET',
    body: body || undefined,
    headers: {
      'Content-Type': 'application/json',
      'X-Assay-Metrics-Interval-Ms': '0',
      'X-Assay-Fault': fault,
    },
    signal: AbortSignal.timeout(1500),
  });
  status = response.status;
  const decoder = new TextDecoder();
  for await (const piece of response.body) text += decoder.decode(piece, { stream: true });
} catch (error) {
  outcome = error.name === 'TimeoutError' ? 'timeout' : (error.cause?.code ?? error.message);
}
console.log(`${status || 'no status'}, ${outcome}${text.includes('data:') ? `, ${countEvents(text)}` : ''}`);
