#!/usr/bin/env bash
# What the reference worker's event streams cost: one core for the worker, another for the load.
# Prints a line per measurement. BUILD names the build folder (build).
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
ninja --quiet -C "$build" bench/worker/streams systems/worker/assay-worker
ulimit -n "$(ulimit -Hn)"

exec {lines}< <(exec taskset -c 0 "$build/systems/worker/assay-worker" --stub-mode --port 0)
worker=$!
trap 'kill $worker' EXIT
read -r -u $lines listening
port=${listening##*:}

measure() { # measure STREAMS TOKENS DELAY-MS
    taskset -c 1 "$build/bench/worker/streams" "$port" "$worker" "$@"
}
measure 300 1500 1     # paced as fast as one millisecond allows
measure 1000 60 100    # quiet
measure 4000 60 100
measure 9900 60 100    # full
measure 2000 2048 0    # unpaced
