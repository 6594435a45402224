#!/usr/bin/env bash
# What the reference worker costs: one loop on core 0, the load on core 1; then JSON requests with as
# many loops as cores. A line per measurement, ROUNDS (3) of each, with the load average, since what
# else runs on these cores counts too: CPU time per event is the figure to trust. BUILD names the
# build folder (build). On a machine that is busy, PRIORITY='chrt -f 10' (as root) has server and load
# go before everything else, as if they were alone.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-5}
ninja --quiet -C "$build" bench/worker/streams systems/worker/assay-worker
ulimit -n "$(ulimit -Hn)"
read -r -a priority <<<"${PRIORITY:-}"
worker=
trap '[ -z "$worker" ] || kill "$worker"' EXIT

start() { # start COMMAND…: sets worker and port
    exec {lines}< <(exec "${priority[@]}" "$@" --stub-mode --port 0)
    worker=$!
    read -r -u "$lines" listening
    port=${listening##*:}
}

stop() {
    kill "$worker"
    wait "$worker" 2>/dev/null || true
    worker=
    exec {lines}<&-
}

load() {
    cut -d ' ' -f 1 /proc/loadavg
}

measure() { # measure STREAMS DELAY-MS
    for _ in $(seq "$rounds"); do
        start taskset -c 0 "$build/systems/worker/assay-worker" --threads 1
        printf '[load %s] ' "$(load)"
        "${priority[@]}" taskset -c 1 "$build/bench/worker/streams" "$port" "$worker" "$1" "$2" "$seconds"
        stop
    done
}

measure 300 1       # paced as fast as one millisecond allows
measure 1000 100    # quiet
measure 4000 100
measure 10000 100   # full
measure 200 0       # unpaced

command -v wrk >/dev/null || exit 0
for threads in 1 2; do
    for _ in $(seq "$rounds"); do
        start "$build/systems/worker/assay-worker" --threads "$threads"
        printf '[load %s] /health, %d loops, wrk -c 32: ' "$(load)" "$threads"
        "${priority[@]}" wrk -t 1 -c 32 -d "$seconds" "http://127.0.0.1:$port/health" | sed -n 's/Requests\/sec: */requests\/s /p'
        stop
    done
done
