#!/usr/bin/env bash
# The reference worker under a random mix of requests, faults and disconnects, for SECONDS of CPU time
# each in the builds with ASan and UBSan and with TSan, with the stub and with an engine. Prints TAP;
# fails when memory or descriptors grow, when the worker stops answering, or when a sanitizer finds
# something. Then 10,000 random requests and what must hold for each, under ASan and UBSan; and 500
# searches for the limits of simulated services (assay load --search), whose interval must hold the truth.
#
#     tools/soak.sh SECONDS
set -euo pipefail
cd "$(dirname "$0")/.."
export SOAK_SECONDS=${1:-360}
export TSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

status=0
for kind in clang threads; do
    tools/configure.sh $kind >/dev/null
    dir=build-check-$kind
    ninja --quiet -C "$dir" tests/soak/soak systems/worker/assay-worker \
        tests/engine/engine_example.so
    for engine in --stub-mode "--engine=$dir/tests/engine/engine_example.so"; do
        echo "# $kind, $engine: $SOAK_SECONDS s of CPU"
        "$dir/tests/soak/soak" "$dir/systems/worker/assay-worker" "$engine" --port 0 \
            --threads 2 --drain-timeout-sec 0 || status=1
    done
done
dir=build-check-clang
ninja --quiet -C $dir tests/property/test_property
PROPERTY_CASES=10000 $dir/tests/property/test_property $dir/systems/worker/assay-worker \
    --stub-mode '--port={port}' || status=1
tools/configure.sh gcc >/dev/null
ninja --quiet -C build-check-gcc tests/soak/search
build-check-gcc/tests/soak/search 100 || status=1
exit $status
