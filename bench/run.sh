#!/usr/bin/env bash
# Run the benchmarks against the release build and print their tables as Markdown.
#
#     bench/run.sh [runner|schedule|cold]…     (all of them by default)
#
# BUILD names the build folder (build); everything generated lands in $BUILD/bench.
# BENCH_ROUNDS=N sets the rounds beside the other tools (5); BENCH_PROMPTFOO=1 adds promptfoo,
# a download of some 500 MB; BENCH_QUICK=1 only shows that the benchmarks run.
set -euo pipefail

cd "$(dirname "$0")/.."
export BUILD=${BUILD:-build}
[ -x "$BUILD/src/assay" ] || { echo "bench/run.sh: no $BUILD/src/assay; make builds it" >&2; exit 2; }
python3 -B -c 'import sys; sys.path.insert(0, "bench"); import common; print(common.machine() + ".\n")'
for name in "${@:-cold schedule runner}"; do
    for each in $name; do
        python3 -B "bench/$each.py"
    done
done
