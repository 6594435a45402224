#!/usr/bin/env bash
# Requests in a second of client processor time, of assay load and of wrk, against the same nginx: one
# worker of it on processor 0, the client on 1, 64 connections, interleaved. ROUNDS (10) rounds of
# SECONDS_EACH (3) seconds; medians at the end. BUILD names the build folder (build). Latencies are
# recorded in full by both.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} rounds=${ROUNDS:-10} seconds=${SECONDS_EACH:-3} port=${PORT:-18766}
ninja --quiet -C "$build" src/assay
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

client() { # client NAME COMMAND… : appends requests per CPU-second to $work/NAME
    local name=$1
    shift
    /usr/bin/time -f '%U %S' -o "$work/used" taskset -c 1 "$@" >"$work/out" 2>&1 || true # INVALID: all of a core
    python3 - "$work" "$name" <<'PYTHON'
import json, re, sys
work, name = sys.argv[1:]
user, system = map(float, open(f"{work}/used").read().split()[-2:])
out = open(f"{work}/out").read()
requests = json.loads(out)["answered"] if name == "assay" else int(re.search(r"(\d+) requests in", out).group(1))
open(f"{work}/{name}", "a").write(f"{requests / (user + system)}\n")
PYTHON
}

echo "load average before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for _ in $(seq "$rounds"); do
    client assay "$build/src/assay" load --url "http://127.0.0.1:$port/" -c 64 --duration "${seconds}s" --json -
    client wrk wrk -t 1 -c 64 -d "$seconds" --latency "http://127.0.0.1:$port/"
done
echo "load average after: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for name in assay wrk; do
    python3 - "$work/$name" "$name" <<'PYTHON'
import statistics, sys
values = sorted(float(line) for line in open(sys.argv[1]))
print(f"{sys.argv[2]:6} {statistics.median(values):9,.0f} requests per CPU-second ({values[0]:,.0f} to {values[-1]:,.0f})")
PYTHON
done
