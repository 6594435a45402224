// Reads an HdrHistogram log with hdr-histogram-js and compares it with the JSON of the same load.
// TAP on stdout.
//
//     node hdr.mjs NODE_MODULES LOG JSON
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [modules, log, json] = process.argv.slice(2);
const hdr = createRequire(pathToFileURL(modules + "/x"))("hdr-histogram-js");
const { metrics } = JSON.parse(readFileSync(json, "utf8"));
const reader = new hdr.HistogramLogReader(readFileSync(log, "utf8"));
const sums = {};
for (let h; (h = reader.nextIntervalHistogram()); ) {
    const name = h.tag && h.tag !== "NO TAG" ? h.tag : "latency";
    sums[name] ??= hdr.build({ numberOfSignificantValueDigits: 2, autoResize: true, bitBucketSize: 64 });
    sums[name].add(h);
}

let count = 0, failed = 0;
function check(name, good, shown) {
    failed += !good;
    console.log(`${good ? "ok" : "not ok"} ${++count} - ${name}`);
    if (!good) console.log(`# ${shown}`);
}

for (const name of ["latency", "ttft", "itl"]) {
    const sum = sums[name], ours = metrics[name];
    check(`hdr-histogram-js has every ${name}`, sum?.totalCount === ours.count, sum?.totalCount);
    // Ours to 0.4 %, theirs to the end of a step of 1/128.
    const off = [50, 75, 90, 95, 99, 99.9, 99.99].filter((p) =>
        Math.abs(sum.getValueAtPercentile(p) - ours[`p${p}`]) > (0.004 + 1 / 128) * ours[`p${p}`]);
    check(`hdr-histogram-js has the percentiles of ${name}`, off.length === 0, off);
    const one = hdr.decodeFromCompressedBase64(ours.histogram);
    check(`hdr-histogram-js reads the histogram of ${name} in the JSON`, one.totalCount === ours.count &&
          one.getValueAtPercentile(50) === sum.getValueAtPercentile(50), one.totalCount);
}
console.log(`1..${count}`);
process.exit(failed ? 1 : 0);
