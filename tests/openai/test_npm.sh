#!/usr/bin/env bash
# What nobody here wrote, from npm: OpenAI's own client against assay-worker, and our conformance
# suite against @copilotkit/aimock, whose findings must be those of aimock.expected (and of the
# table in docs/openai.md). TAP on stdout. Without npm, or when it cannot be reached, the tests are
# skipped by name.
#
#     test_npm.sh SOURCE-FOLDER SCRATCH-FOLDER
set -uo pipefail
source=$1/tests/openai suites=$1/suites scratch=$2

skip() { # skip REASON
    echo "1..2"
    echo "ok 1 - OpenAI's client completes chat, stream, tools, embeddings, files and batches # SKIP $1"
    echo "ok 2 - aimock is found to be what it was # SKIP $1"
    exit 0
}

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    skip "there is no node or npm"
fi
mkdir -p "$scratch"
if ! cmp -s "$source/package.json" "$scratch/package.json" || [ ! -d "$scratch/node_modules/openai" ]; then
    rm -rf "$scratch/node_modules"
    cp "$source/package.json" "$scratch/package.json"
    (cd "$scratch" && timeout 120 npm install --no-package-lock --no-audit --no-fund \
        --fetch-retries 1 >npm.log 2>&1) || {
        rm -f "$scratch/package.json"
        skip "npm could not fetch the packages"
    }
fi

pids=()
trap 'kill "${pids[@]}" 2>/dev/null; wait' EXIT

address() { # address FILE: the URL a server wrote there, once it has
    local url
    for _ in $(seq 300); do
        url=$(grep -o 'http://127.0.0.1:[0-9]*' "$1" | head -n 1)
        [ -n "$url" ] && echo "$url" && return
        sleep 0.1
    done
    return 1
}

echo "1..2"
assay-worker --stub-mode --port 0 >"$scratch/worker.out" &
pids+=($!)
name="OpenAI's client completes chat, stream, tools, embeddings, files and batches"
if url=$(address "$scratch/worker.out") &&
    node "$source/client.mjs" "$scratch/node_modules" "$url" >"$scratch/client.tap" 2>&1; then
    echo "ok 1 - $name"
else
    echo "not ok 1 - $name"
fi
sed 's/^/# /' "$scratch/client.tap"

name="aimock is found to be what it was"
if ! node -e 'process.exit(+process.versions.node.split(".")[0] >= 20 ? 0 : 1)'; then
    echo "ok 2 - $name # SKIP aimock needs Node 20"
    exit 0
fi
node "$scratch/node_modules/@copilotkit/aimock/dist/cli.js" --port 0 \
    --fixtures "$source/aimock-fixtures.json" >"$scratch/aimock.out" 2>&1 &
pids+=($!)
url=$(address "$scratch/aimock.out")
assay run "$suites/openai" --set url="$url" --set model=gpt-4o --store "sqlite:$scratch/results.db" \
    --report tap="$scratch/aimock.tap" >"$scratch/aimock.log" 2>&1
sed -n 's/^not ok [0-9]* - openai\///p' "$scratch/aimock.tap" | LC_ALL=C sort >"$scratch/aimock.found"
if diff -u "$source/aimock.expected" "$scratch/aimock.found" >"$scratch/aimock.diff"; then
    echo "ok 2 - $name"
else
    echo "not ok 2 - $name"
    sed 's/^/# /' "$scratch/aimock.diff"
fi
