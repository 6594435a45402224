#!/usr/bin/env bash
# How exactly assay load times event streams: against a service that keeps the time of its own sends,
# what that service did beside what assay said of it, by the kernel's stamps (itl) and by its own reads
# (itl_read); then how many events it takes in a second of processor time. BUILD names the build folder
# (build). The service runs on processor 0, assay on 1.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} seconds=${SECONDS_EACH:-10}
ninja --quiet -C "$build" bench/load/pacer src/assay
ulimit -n "$(ulimit -Hn)"
read -r -a priority <<<"${PRIORITY:-}"
results=$(mktemp -d)
pacer=
trap '[ -z "$pacer" ] || kill "$pacer"; rm -rf "$results"' EXIT

measure() { # measure STREAMS EVENTS INTERVAL-US
    rm -f "$results"/*
    "${priority[@]}" taskset -c 0 "$build/bench/load/pacer" "$2" "$3" >"$results/pacer" &
    pacer=$!
    until grep -qs port "$results/pacer"; do sleep 0.05; done
    read -r _ port <"$results/pacer"
    load=$(cut -d ' ' -f 1 /proc/loadavg)
    "${priority[@]}" /usr/bin/time -f '%U %S %M' -o "$results/used" taskset -c 1 "$build/src/assay" load \
        --url "http://127.0.0.1:$port/execute" -c "$1" --duration "${seconds}s" --quiet \
        --json "$results/assay.json" >/dev/null || true # INVALID is for the table to say
    kill "$pacer"
    wait "$pacer" || true
    pacer=
    python3 - "$results" "$load" "$1" "$2" "$3" <<'PYTHON'
import json, sys
folder, load, streams, events, interval = sys.argv[1:]
run = json.load(open(f"{folder}/assay.json"))
user, system, kilobytes = map(float, open(f"{folder}/used").read().split()[-3:])
metrics = run["metrics"]
count = metrics["output_tokens"]["mean"] * run["answered"]
print(f"[load {load}] {streams} streams, {events} events each, one every {interval} µs: {run['verdict']}, "
      f"{count / (user + system):,.0f} events per CPU-second, {kilobytes / int(streams):.1f} KB a stream")
for reason in run["reasons"]:
    print("    " + reason)
if interval != "0":
    service = json.loads(open(f"{folder}/pacer").read().splitlines()[1])
    for name, shown in ("service", service), ("itl", metrics["itl"]), ("itl_read", metrics["itl_read"]):
        print(f"  {name:9}" + "".join(f"  {p} {shown[p] / 1e6:8.3f} ms" for p in ("p50", "p90", "p99", "p99.9", "max")))
PYTHON
}

measure 64 200 20000
measure 1024 200 20000
measure 10000 50 100000
measure 64 2000 0
