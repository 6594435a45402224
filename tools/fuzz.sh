#!/usr/bin/env bash
# Build every fuzz target with clang, ASan and UBSan, and run each for some seconds from its seeds
# in tests/fuzz/corpus/. What it discovers is kept in the build folder and used again. Prints TAP.
#
#     tools/fuzz.sh [SECONDS]     (60 is the default)
set -euo pipefail
cd "$(dirname "$0")/.."

export seconds=${1:-60}
export dir=build-check-clang
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-19 || true)
export ASAN_SYMBOLIZER_PATH

tools/configure.sh clang >&2
mapfile -t targets < <(ninja -C $dir -t targets all | sed -n 's|^\(tests/fuzz/fuzz_[^:./]*\):.*|\1|p')
if [ ${#targets[@]} -eq 0 ]; then
    echo "ok - fuzz # SKIP there is no fuzz target"
    exit 0
fi
ninja --quiet -C $dir "${targets[@]}" >&2

run_one() {
    local name=${1##*/fuzz_}
    local kept=$dir/fuzz/$name seeds=tests/fuzz/corpus/$name log=$dir/fuzz/$name.log inputs
    mkdir -p "$kept" "$seeds"
    if "$dir/$1" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$dir/fuzz/$name-" "$kept" "$seeds" </dev/null >"$log" 2>&1; then
        inputs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
        echo "ok - fuzz $name: $inputs inputs in $seconds s"
    else
        grep -v '^#' "$log" | tail -n 60 >&2
        echo "replay with: $dir/$1 $dir/fuzz/$name-…" >&2
        echo "not ok - fuzz $name: see $log"
        return 1
    fi
}
export -f run_one
# shellcheck disable=SC2016  # the inner bash expands it
printf '%s\0' "${targets[@]}" | xargs -0 -n1 -P"$(nproc)" bash -c 'run_one "$1"' run_one
