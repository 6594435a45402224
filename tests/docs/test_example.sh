#!/usr/bin/env bash
# The example of the C API does what it says, and the library shows what its headers do.
#
#     test_example.sh EXAMPLE LIBRARY SOURCE
set -u
example=$(realpath "$1") library=$2 source=$3
folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
cd "$folder" || exit 1
failed=0

"$example" "$source/suites/worker" health >output 2>&1
status=$?
sed 's/^/# /' output
if [ $status -eq 0 ] && grep -qx 'ready to be deployed' output && [ -s results.xml ]; then
    echo 'ok 1 - the example runs a suite and writes its report'
else
    echo "not ok 1 - the example runs a suite and writes its report (status $status)"
    failed=1
fi

"$example" missing.json health >output 2>&1
if [ $? -eq 2 ] && grep -q '^no verdict: status 2' output; then
    echo 'ok 2 - a suite that is not there gives status 2'
else
    echo 'not ok 2 - a suite that is not there gives status 2'
    failed=1
fi

nm -D --defined-only "$library" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >shown
cat "$source"/include/assay/*.h | grep 'ASSAY_PUBLIC [^_]' | grep -o 'assay_[a-z0-9_]*(' | tr -d '(' |
    sort >declared
if diff declared shown | sed 's/^/# /' && cmp -s declared shown; then
    echo 'ok 3 - the library shows the functions of its headers and no others'
else
    echo 'not ok 3 - the library shows the functions of its headers and no others'
    failed=1
fi
echo 1..3
exit $failed
