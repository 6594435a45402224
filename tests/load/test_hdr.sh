#!/usr/bin/env bash
# The HdrHistogram log of a load, read by hdr-histogram-js. TAP on stdout. Without node or npm, or when
# npm cannot fetch it, the test is skipped by name (test_reports.py reads the log with a decoder of its
# own, always).
#
#     test_hdr.sh SOURCE-FOLDER SCRATCH-FOLDER
set -uo pipefail
source=$1/tests/load scratch=$2

skip() { # skip REASON
    echo "1..1"
    echo "ok 1 - hdr-histogram-js reads the log # SKIP $1"
    exit 0
}

for program in node npm; do
    command -v $program >/dev/null || skip "there is no $program"
done
mkdir -p "$scratch"
if ! cmp -s "$source/package.json" "$scratch/package.json" || [ ! -d "$scratch/node_modules/hdr-histogram-js" ]; then
    rm -rf "$scratch/node_modules"
    cp "$source/package.json" "$scratch/package.json"
    (cd "$scratch" && timeout 120 npm install --no-package-lock --no-audit --no-fund \
        --fetch-retries 1 >npm.log 2>&1) || {
        rm -f "$scratch/package.json"
        skip "npm could not fetch the package"
    }
fi

cd "$scratch" || exit 1
assay-worker --stub-mode --delay-ms 1 --port 0 >worker.out &
worker=$!
trap 'kill $worker 2>/dev/null; wait' EXIT
until url=$(grep -o 'http://127.0.0.1:[0-9]*' worker.out); do sleep 0.02; done
if ! assay load --url "$url/execute" --max-tokens 8 --rate 200 --duration 1200ms --lag 1h --store none \
    --report hdr --report json >console.txt 2>&1; then
    echo "Bail out! the load did not end as planned"
    sed 's/^/# /' console.txt
    exit 1
fi
node "$source/hdr.mjs" "$scratch/node_modules" load-report.hlog load-report.json
