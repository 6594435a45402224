#!/usr/bin/env bash
# The reference worker under a random mix of requests, faults and disconnects, SECONDS each in the
# builds with ASan and UBSan and with TSan. Prints TAP; fails when memory or descriptors grow, when
# the worker stops answering, or when a sanitizer finds something.
#
#     tools/soak.sh SECONDS
set -euo pipefail
cd "$(dirname "$0")/.."
export SOAK_SECONDS=${1:-600}
export TSAN_OPTIONS=halt_on_error=1 ASAN_OPTIONS=detect_leaks=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

status=0
for kind in clang threads; do
    tools/configure.sh $kind >/dev/null
    dir=build-check-$kind
    ninja --quiet -C "$dir" tests/soak/soak systems/worker/assay-worker
    echo "# $kind: $SOAK_SECONDS s"
    "$dir/tests/soak/soak" "$dir/systems/worker/assay-worker" --stub-mode --port 0 \
        --drain-timeout-sec 0 || status=1
done
exit $status
