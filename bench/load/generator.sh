#!/usr/bin/env bash
# Requests in a second of client processor time, of assay load and of other load generators, against the
# same nginx: one worker of it on processor 0, the client on 1, 64 connections, one thread (hey: one
# processor), interleaved. ROUNDS (10) rounds of SECONDS_EACH (3) seconds; medians at the end. BUILD names
# the build folder (build). Each keeps the latencies it keeps by itself: assay all of them, in several
# histograms. autocannon comes from npm, into $BUILD/bench/npm. CLIENTS names those to run.
set -euo pipefail
cd "$(dirname "$0")/../.."
export BUILD=${BUILD:-build}
rounds=${ROUNDS:-10} seconds=${SECONDS_EACH:-3} port=${PORT:-18766}
read -r -a clients <<<"${CLIENTS:-assay wrk h2load hey ab autocannon}"
ninja --quiet -C "$BUILD" src/assay
work=$(mktemp -d)
cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/pid; error_log $work/errors;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000;
  server { listen 127.0.0.1:$port; location / { default_type text/plain; return 200 "hello"; } } }
CONF
taskset -c 0 nginx -c "$work/nginx.conf" &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$work"' EXIT
until curl -sf "http://127.0.0.1:$port/" >/dev/null; do sleep 0.1; done

echo "load average before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for _ in $(seq "$rounds"); do
    for name in "${clients[@]}"; do
        python3 -B bench/load/peers.py closed "$name" "http://127.0.0.1:$port/" "$seconds" 64 >>"$work/figures"
    done
done
echo "load average after: $(cut -d ' ' -f 1-3 /proc/loadavg)"
python3 - "$work/figures" <<'PYTHON'
import statistics, sys
figures = {}
for line in open(sys.argv[1]):
    name, requests, processor = line.split()
    figures.setdefault(name, []).append((int(requests) / float(processor), int(requests)))
print("| client | requests per CPU-second, median | range | requests in a round, median |\n|---|--:|--:|--:|")
for name, pairs in figures.items():
    per_cpu, requests = zip(*pairs)
    print(f"| {name} | {statistics.median(per_cpu):,.0f} | {min(per_cpu):,.0f} to {max(per_cpu):,.0f} "
          f"| {statistics.median(requests):,.0f} |")
PYTHON
