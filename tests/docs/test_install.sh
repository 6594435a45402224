#!/usr/bin/env bash
# What is installed is whole: it is staged in an empty folder and used from there alone.
#
#     test_install.sh BUILD SOURCE
set -u
build=$1 source=$2
stage=$(mktemp -d)
trap 'rm -r "$stage"' EXIT
failed=0
count=0
report() { # report STATUS NAME
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        failed=1
    fi
}

meson install -C "$build" --no-rebuild --destdir "$stage" >"$stage/log" 2>&1
report $? 'it installs into a folder'
prefix=$stage$(meson introspect "$build" --buildoptions |
    python3 -c 'import json, sys; print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')

missing=0
for file in bin/assay bin/assay-worker include/assay/assay.h share/man/man1/assay-run.1 \
    share/man/man1/assay-worker.1 share/man/man5/assay-suite.5 share/bash-completion/completions/assay \
    share/zsh/site-functions/_assay share/fish/vendor_completions.d/assay.fish \
    share/assay/suites/worker/scenario.py; do
    [ -s "$prefix/$file" ] || {
        echo "# $file is missing"
        missing=1
    }
done
[ -e "$prefix/bin/assay-documents" ] && missing=1
[ -e "$prefix/bin/assay-worker-manual" ] && missing=1
report $missing 'programs, header, manual pages, completions and suites are where they belong'

# What --help and --help-faults name stands at the beginning of a paragraph of the page.
missing=0
page=$(sed 's/\\-/-/g; s/\\fB//; s/\\fR.*//' "$prefix/share/man/man1/assay-worker.1")
for name in $("$prefix/bin/assay-worker" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p') \
    $("$prefix/bin/assay-worker" --help-faults | sed -n 's/^| `\([a-z0-9_]*\)`.*/\1/p'); do
    grep -qxF -e "$name" <<<"$page" || {
        echo "# $name is not in assay-worker.1"
        missing=1
    }
done
[ "$(grep -c '^--' <<<"$page")" -ge 20 ] || missing=1
report $missing 'the manual page of assay-worker has every option and every fault'

pc=$(find "$prefix" -name assay.pc)
PKG_CONFIG_PATH=$(dirname "$pc")
export PKG_CONFIG_PATH PKG_CONFIG_SYSROOT_DIR=$stage
cd "$stage" || exit 1
# shellcheck disable=SC2046  # flags are words
cc -Wall -Werror "$source/docs/examples/run_suite.c" $(pkg-config --cflags --libs assay) -o run_suite
report $? 'a program is built against it with pkg-config'

export PATH=$prefix/bin:/usr/bin:/bin
LD_LIBRARY_PATH=$(dirname "$(dirname "$pc")") ./run_suite "$source/suites/worker" health >output 2>&1
status=$?
sed 's/^/# /' output
report $status 'that program runs'

assay init >output && assay run --store none assay.jsonc >>output 2>&1
status=$?
sed 's/^/# /' output
report $status 'the installed assay runs its own starter suite'
assay run "$prefix/share/assay/suites/kserve" --store none >output 2>&1
status=$?
sed 's/^/# /' output
report $status 'the installed suites are run by their path'
echo "1..$count"
exit $failed
