#!/usr/bin/env bash
# The HTML report of a run with something of everything, opened in Chromium. TAP on stdout; the
# screenshots stay in SCRATCH-FOLDER/screenshots. Without node, npm or chromium, or when npm cannot
# fetch the driver, the test is skipped by name.
#
#     test_report.sh SOURCE-FOLDER SCRATCH-FOLDER
set -uo pipefail
source=$1/tests/browser scratch=$2

skip() { # skip REASON
    echo "1..1"
    echo "ok 1 - the HTML report in Chromium # SKIP $1"
    exit 0
}

for program in node npm chromium; do
    command -v $program >/dev/null || skip "there is no $program"
done
mkdir -p "$scratch"
if ! cmp -s "$source/package.json" "$scratch/package.json" || [ ! -d "$scratch/node_modules/playwright-core" ]; then
    rm -rf "$scratch/node_modules"
    cp "$source/package.json" "$scratch/package.json"
    (cd "$scratch" && timeout 120 npm install --no-package-lock --no-audit --no-fund \
        --fetch-retries 1 >npm.log 2>&1) || {
        rm -f "$scratch/package.json"
        skip "npm could not fetch the driver of the browser"
    }
fi

work=$scratch/run
rm -rf "$work" && mkdir "$work" && cp "$source/suite.json" "$work" && cd "$work" || exit 1
assay run suite.json --report html >console.txt 2>&1
case $? in
1 | 3) ;;
*)
    echo "Bail out! the run did not end as planned"
    sed 's/^/# /' console.txt
    exit 1
    ;;
esac
SECTIONS="failures timeline durations cases" CHROMIUM=$(command -v chromium) \
    node "$source/open.mjs" "$scratch/node_modules" "$work/report.html" "$scratch/screenshots"
