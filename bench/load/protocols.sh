#!/usr/bin/env bash
# Requests in a second of client processor time over HTTP/2 and over TLS: assay load beside h2load and
# wrk, against the same nginx: one worker of it on processor 0, the client on 1, 64 requests at a time,
# interleaved. ROUNDS (10) rounds of SECONDS_EACH (3) seconds; medians at the end. BUILD names the build
# folder (build). h2load and wrk check no certificate, so assay does not either.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=$(realpath "${BUILD:-build}") rounds=${ROUNDS:-10} seconds=${SECONDS_EACH:-3} port=${PORT:-18768}
ninja --quiet -C "$build" src/assay
work=$(mktemp -d)
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$work/key" -out "$work/certificate" \
    -subj /CN=localhost -days 1 2>/dev/null
cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/pid; error_log $work/errors;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000000; ssl_certificate $work/certificate; ssl_certificate_key $work/key;
  ssl_protocols TLSv1.3;
  server { listen 127.0.0.1:$port http2; location / { default_type text/plain; return 200 "hello"; } }
  server { listen 127.0.0.1:$((port + 1)) ssl; location / { default_type text/plain; return 200 "hello"; } } }
CONF
taskset -c 0 nginx -c "$work/nginx.conf" &
server=$!
trap 'kill "$server"; wait "$server" || true; rm -rf "$work"' EXIT
until curl -skf "https://127.0.0.1:$((port + 1))/" >/dev/null; do sleep 0.1; done

client() { # client NAME COMMAND… : appends requests per CPU-second to $work/NAME
    local name=$1
    shift
    (cd "$work" && /usr/bin/time -f '%U %S' -o used taskset -c 1 "$@" >out 2>/dev/null) || true # INVALID: all of a core
    python3 - "$work" "$name" <<'PYTHON'
import json, re, sys
work, name = sys.argv[1:]
user, system = map(float, open(f"{work}/used").read().split()[-2:])
out = open(f"{work}/out").read()
if name.startswith("assay"):
    requests = json.loads(out)["answered"]
else:
    requests = int(re.search(r"(\d+) (succeeded|requests in)", out).group(1))
open(f"{work}/{name}", "a").write(f"{requests / (user + system)}\n")
PYTHON
}

http2=http://127.0.0.1:$port/ tls=https://127.0.0.1:$((port + 1))/
echo "load average before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for _ in $(seq "$rounds"); do
    client assay-http2 "$build/src/assay" load --url "$http2" --http2 -c 64 --streams 16 --duration "${seconds}s" --json -
    client h2load h2load -c 4 -m 16 -D "$seconds" "$http2"
    client assay-tls "$build/src/assay" load --url "$tls" --insecure -c 64 --duration "${seconds}s" --json -
    client wrk-tls wrk -t 1 -c 64 -d "$seconds" --latency "$tls"
done
echo "load average after: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for name in assay-http2 h2load assay-tls wrk-tls; do
    python3 - "$work/$name" "$name" <<'PYTHON'
import statistics, sys
values = sorted(float(line) for line in open(sys.argv[1]))
print(f"{sys.argv[2]:12} {statistics.median(values):9,.0f} requests per CPU-second ({values[0]:,.0f} to {values[-1]:,.0f})")
PYTHON
done
