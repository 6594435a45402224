#!/usr/bin/env bash
# The HTML reports of a run with something of everything, and of loads, opened in Chromium. TAP on
# stdout; the screenshots stay in SCRATCH-FOLDER/screenshots. Without node, npm or chromium, or when npm cannot
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
assay-worker --stub-mode --delay-ms 2 --port 0 >worker.out &
worker=$!
python3 "$source/hostile.py" >hostile.out &
hostile=$!
trap 'kill $worker $hostile 2>/dev/null; wait' EXIT

address() { # address FILE PID: the URL that a server writes there; nothing when it ended before
    until grep -o 'http://127.0.0.1:[0-9]*' "$1"; do
        kill -0 "$2" 2>/dev/null || return
        sleep 0.02
    done
}

# expect STATUS COMMAND…: what it says goes to a file
expect() {
    local status=$1
    shift
    "$@" >>console.txt 2>&1
    case $status in
    *$?*) return ;;
    esac
    echo "Bail out! $2 did not end as planned"
    sed 's/^/# /' console.txt
    exit 1
}

expect "1 3" assay run suite.json --report html=suite.html
url=$(address worker.out $worker)
expect 1 assay load --url "$url/execute" --max-tokens 8 --rate 60 --duration 1500ms --warmup 500ms --lag 1h \
    --slo 'latency p99 < 1ns, errors < 1%' --report html
expect 0 assay load --url "$url/health" --sweep concurrency:1..4/3 --duration 200ms --lag 1h --report html=sweep.html
# No client is so quick as to be believed to a nanosecond.
expect 3 assay load --url "$(address hostile.out $hostile)/?<script>alert(1)</script><b><i>" --rate 100 --duration 500ms --lag 1ns \
    --report html=hostile.html
CHROMIUM=$(command -v chromium) node "$source/open.mjs" "$scratch/node_modules" "$scratch/screenshots" \
    suite.html 5 "failures timeline durations cases" \
    load-report.html 1 "objectives percentiles heat time own metrics" \
    sweep.html 1 "curve points" \
    hostile.html 1 "errors percentiles heat time own metrics"
