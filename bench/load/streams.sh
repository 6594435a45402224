#!/usr/bin/env bash
# How exactly event streams are timed, and what that costs: assay load, and two clients as they are usually
# written, over aiohttp and over Node's http, against a service (pacer.c) that writes into every event when
# it sent it. The error of a gap is how much the one the client saw differs from the one between the
# service's own stamps, each gap with its own: of assay by the kernel's receive stamps (`itl`) and by its own
# reads (`itl_read`); the others know only when they read. Then events that come as fast as they can.
#
#     streams.sh [STREAMS EVENTS INTERVAL-US]…    (1024 streams at 50/s, 10,000 at 10/s, a burst)
#
# BUILD names the build folder (build), CLIENTS those to run. The service runs on processor 0, the client on
# 1. Where other work runs, put `chrt -f 10` before the whole.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} seconds=${SECONDS_EACH:-10}
read -r -a clients <<<"${CLIENTS:-assay aiohttp node}"
ninja --quiet -C "$build" bench/load/pacer bench/load/assay-gaps src/assay
ulimit -n "$(ulimit -Hn)"
results=$(mktemp -d)
pacer=
trap '[ -z "$pacer" ] || kill "$pacer"; rm -rf "$results"' EXIT

client() { # client NAME URL STREAMS
    case $1 in
    assay) # the figures of cost are of assay as it is, those of errors of assay-gaps
        /usr/bin/time -f '%U %S %M' -o "$results/used" "$build/${program:-src/assay}" load --store none --url "$2" -c "$3" \
            --duration "${seconds}s" --quiet --json "$results/assay.json" >/dev/null || true # INVALID is for the table
        ;;
    aiohttp) /usr/bin/python3 bench/load/client_aiohttp.py "$2" "$3" "$seconds" >"$results/client.json" ;;
    node) node bench/load/client_node.js "$2" "$3" "$seconds" >"$results/client.json" ;;
    esac
}

measure() { # measure NAME STREAMS EVENTS INTERVAL-US
    rm -f "$results"/*
    taskset -c 0 "$build/bench/load/pacer" "$3" "$4" >"$results/pacer" &
    pacer=$!
    until grep -qs port "$results/pacer"; do sleep 0.05; done
    read -r _ port <"$results/pacer"
    load=$(cut -d ' ' -f 1 /proc/loadavg)
    taskset -cp 1 $BASHPID >/dev/null
    url=http://127.0.0.1:$port/execute
    if [ "$1" = assay ] && [ "$4" != 0 ]; then
        GAPS=$results/client.json program=bench/load/assay-gaps client assay "$url" "$2"
        mv "$results/assay.json" "$results/gaps.json"
    fi
    client "$1" "$url" "$2"
    kill "$pacer"
    wait "$pacer" || true
    pacer=
    python3 - "$results" "$load" "$@" <<'PYTHON'
import json, os, sys
folder, load, name, streams, events, interval = sys.argv[1:]
read = lambda file: json.load(open(f"{folder}/{file}")) if os.path.exists(f"{folder}/{file}") else {}
client, verdict = read("client.json"), ""
if name == "assay":
    run, gaps = read("assay.json"), read("gaps.json")
    user, system, kilobytes = map(float, open(f"{folder}/used").read().split()[-3:])
    client.update(events=run["metrics"]["output_tokens"]["mean"] * run["answered"], processor=user + system,
                  kilobytes=kilobytes)
    verdict = run["verdict"] + (", with a look at gaps " + gaps["verdict"] if gaps else "")
    for reason in run["reasons"] + gaps.get("reasons", []):
        print("    " + reason, file=sys.stderr)
for kind in ("kernel", "read"):
    if not client.get(kind, {}).get("count"):
        continue
    print(f"| {streams} × {1e6 / float(interval):g}/s | {name}, by {'the kernel' if kind == 'kernel' else 'its reads'} |"
          + "".join(f" {client[kind][p] / 1e6:.3f} |" for p in ("p50", "p90", "p99", "p99.9", "max"))
          + f" {client[kind]['count']:,} | {load} |")
print(f"{name}, {streams} streams of {events} events, one every {interval} µs: {client['events']:,.0f} events, "
      f"{client['events'] / client['processor']:,.0f} a CPU-second, {client['kilobytes'] / int(streams):.1f} KB a "
      f"stream of {client['kilobytes']:,.0f}, load average {load} {verdict}", file=sys.stderr)
PYTHON
}

echo "| streams | client | error p50, ms | p90 | p99 | p99.9 | max | gaps | load average |"
echo "|---|---|--:|--:|--:|--:|--:|--:|--:|"
[ $# -gt 0 ] || set -- 1024 200 20000 10000 50 100000 64 2000 0
while [ $# -ge 3 ]; do
    for name in "${clients[@]}"; do
        measure "$name" "$1" "$2" "$3"
    done
    shift 3
done
