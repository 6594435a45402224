#!/usr/bin/env bash
# How late requests of a schedule are sent (`schedule_delay`: when it was sent less when it should have
# been), evenly spaced and independent of one another, with 64 connections to a service (slots.c) that
# answers at once. ROUNDS (10) rounds of SECONDS_EACH (3) seconds, interleaved. The service runs on
# processor 0, assay on 1: that one must be idle, or, where it is not, put `chrt -f 10` before the whole.
#
#     issue.sh [RATE…]        (20000 50000)
#
# BUILD names the build folder (build).
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} rounds=${ROUNDS:-10} seconds=${SECONDS_EACH:-3} run=0
[ $# -gt 0 ] || set -- 20000 50000
ninja --quiet -C "$build" bench/load/slots src/assay
work=$(mktemp -d)
taskset -c 0 "$build/bench/load/slots" 0 0 >"$work/slots" &
server=$!
trap 'kill "$server"; rm -rf "$work"' EXIT
until grep -qs port "$work/slots"; do sleep 0.05; done
read -r _ port <"$work/slots"

echo "load average before: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for _ in $(seq "$rounds"); do
    for rate in "$@"; do
        for arrivals in constant poisson; do
            taskset -c 1 "$build/src/assay" load --store none --url "http://127.0.0.1:$port/" --rate "$rate" --arrivals $arrivals \
                --connections 64 --duration "${seconds}s" --quiet --json "$work/$rate-$arrivals-$((++run)).json" \
                >/dev/null || true # INVALID is for the table to say
        done
    done
done
echo "load average after: $(cut -d ' ' -f 1-3 /proc/loadavg)"
python3 - "$work" "$@" <<'PYTHON'
import glob, json, statistics, sys
print("| a second | arrivals | p50 | p90 | p99: median | p99: range of the rounds | p99 within 100 µs | max | valid |")
print("|--:|---|--:|--:|--:|---|--:|--:|--:|")
for rate in sys.argv[2:]:
    for arrivals in "constant", "poisson":
        runs = [json.load(open(file)) for file in glob.glob(f"{sys.argv[1]}/{rate}-{arrivals}-*.json")]
        of = lambda name: sorted(run["metrics"]["schedule_delay"][name] / 1e3 for run in runs)
        print(f"| {int(rate):,} | {arrivals} | {statistics.median(of('p50')):.1f} µs | "
              f"{statistics.median(of('p90')):.1f} µs | {statistics.median(of('p99')):.1f} µs | "
              f"{of('p99')[0]:.1f} to {of('p99')[-1]:,.1f} µs | {sum(p <= 100 for p in of('p99'))} of {len(runs)} | "
              f"{of('max')[-1]:,.0f} µs | {sum(run['verdict'] != 'invalid' for run in runs)} of {len(runs)} |")
PYTHON
