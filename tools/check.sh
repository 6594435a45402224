#!/usr/bin/env bash
# The test command: everything that must hold, in stages. Each stage counts as one test beside the
# tests it runs; the last line has the totals, "N passed, N failed, N skipped". Logs and TAP of all
# stages are in build-check/.
#
#     tools/check.sh [STAGE…]     (all stages are the default, in the order below)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
exec </dev/null
export LC_ALL=C.UTF-8

logs=build-check
tap=$logs/all.tap
mkdir -p $logs
: >$tap

ASAN_SYMBOLIZER_PATH=$(command -v llvm-symbolizer-19 || true)
export ASAN_SYMBOLIZER_PATH
export TSAN_OPTIONS=halt_on_error=1:atexit_sleep_ms=0:second_deadlock_stack=1:external_symbolizer_path=$ASAN_SYMBOLIZER_PATH
export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1

files() { git -c safe.directory="$PWD" ls-files -z -- "$@"; }

# Run the tests of a build folder and add them to the TAP. Fails when one of them does. The long ones
# wait most of the time, so that twice as many as there are processors keep these busy.
run_tests() { # run_tests LABEL DIR MESON-TEST-OPTION…
    local label=$1 dir=$2 status=0
    shift 2
    rm -f "$dir/meson-logs/testlog.json"
    meson test -C "$dir" --print-errorlogs --num-processes $((2 * $(nproc))) "$@" || status=$?
    [ -e "$dir/meson-logs/testlog.json" ] || return $status
    tools/testlog.py "$label" "$dir/meson-logs/testlog.json" >&3
}

stage_dependencies() {
    tools/deps.sh check
}

stage_format() {
    files '*.c' '*.h' | xargs -0r clang-format-19 --dry-run -Werror
}

stage_source() {
    local status=0
    tools/checksrc.sh >$logs/source.tap || status=$?
    cat $logs/source.tap
    grep -E '^(not )?ok ' $logs/source.tap >&3
    return $status
}

stage_shell() {
    { files '*.sh' && files .ci/run; } | xargs -0r shellcheck --severity=warning
}

stage_gcc() {
    tools/configure.sh gcc &&
        ninja --quiet -k 0 -C build-check-gcc &&
        run_tests gcc build-check-gcc
}

stage_sanitizers() {
    tools/configure.sh clang &&
        ninja --quiet -k 0 -C build-check-clang &&
        run_tests 'ASan+UBSan' build-check-clang --timeout-multiplier 3
}

stage_threads() {
    tools/configure.sh threads || return
    run_tests TSan build-check-threads --suite concurrent --timeout-multiplier 5
}

stage_tidy() {
    tools/configure.sh clang && tools/tidy.py build-check-clang
}

stage_cppcheck() {
    mkdir -p build-check-gcc/cppcheck
    # It does not read the headers of libraries, so their loops are spelled out.
    cppcheck '-Djson_object_foreach(o, k, v)=for (k = 0; (v = json_object_get(o, k)); k++)' \
        '-Djson_array_foreach(a, i, v)=for (i = 0; (v = json_array_get(a, i)); i++)' \
        --quiet --language=c --std=c11 --library=posix,gnu -D_GNU_SOURCE -Ilib -Iinclude \
        --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --suppressions-list=tools/cppcheck-suppressions.txt \
        --cppcheck-build-dir=build-check-gcc/cppcheck -j "$(nproc)" lib src systems
}

stage_fuzz() {
    local status=0
    tools/fuzz.sh "${FUZZ_SECONDS:-5}" >$logs/fuzz.tap || status=$?
    cat $logs/fuzz.tap
    cat $logs/fuzz.tap >&3
    return $status
}

titles='
dependencies|what building and checking need is installed
format      |clang-format finds nothing to change
source      |house rules of the source hold
shell       |shellcheck finds nothing in the scripts
gcc         |gcc builds without a warning and all tests pass
sanitizers  |clang builds without a warning and all tests pass under ASan and UBSan
threads     |the concurrent tests pass under TSan
tidy        |clang-tidy finds nothing
cppcheck    |cppcheck finds nothing
fuzz        |every fuzz target runs clean
'

count() { # count KIND FILE
    case $1 in
    passed) grep '^ok ' "$2" | grep -vc '# SKIP' ;;
    failed) grep -c '^not ok ' "$2" ;;
    skipped) grep -c '^ok .*# SKIP' "$2" ;;
    esac
}

run_stage() { # run_stage NAME TITLE
    local name=$1 title=$2 log=$logs/$1.log began=$SECONDS status=0
    printf '== %s: %s\n' "$name" "$title"
    "stage_$name" >"$log" 2>&1 3>"$logs/stage.tap" || status=$?
    if [ $status -eq 0 ]; then
        echo "ok - stage $name: $title" >>"$logs/stage.tap"
    else
        echo "not ok - stage $name: $title" >>"$logs/stage.tap"
        tail -n 200 "$log"
        echo "   (all of it: $log)"
    fi
    cat "$logs/stage.tap" >>$tap
    printf '   %s passed, %s failed, %s skipped in %d s\n' "$(count passed "$logs/stage.tap")" \
        "$(count failed "$logs/stage.tap")" "$(count skipped "$logs/stage.tap")" $((SECONDS - began))
    return $status
}

while IFS='|' read -r name title; do
    name=${name// /}
    if [ -z "$name" ] || { [ $# -gt 0 ] && [[ " $* " != *" $name "* ]]; }; then
        continue
    fi
    run_stage "$name" "$title"
    status=$?
    [ "$name" = dependencies ] && [ $status -ne 0 ] && break
done <<<"$titles"

echo
sed -n 's/^ok - \(.*\) # SKIP/skipped: \1/p; s/^not ok - /FAILED: /p' $tap
failed=$(count failed $tap)
printf '%d s in all\n' $SECONDS
printf '%d passed, %d failed, %d skipped\n' "$(count passed $tap)" "$failed" "$(count skipped $tap)"
[ "$failed" -eq 0 ] && [ -s $tap ]
