#!/usr/bin/env bash
# The reference worker beside @copilotkit/aimock (from npm, into the build folder; Node 20), on the
# same wire, with the same requests, in turn: event streams of OpenAI's API, unpaced and paced, and
# JSON answers. One core for the server, one for the load. ROUNDS (3) of each, and a line for each
# with the load average. BUILD names the build folder (build); PRIORITY as in run.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build} rounds=${ROUNDS:-3} seconds=${SECONDS_EACH:-5}
ninja --quiet -C "$build" bench/worker/streams systems/worker/assay-worker
ulimit -n "$(ulimit -Hn)"
npm=$build/tests/openai/npm work=$build/bench/aimock
mkdir -p "$npm" "$work"
if [ ! -d "$npm/node_modules/@copilotkit/aimock" ]; then
    cp tests/openai/package.json "$npm/"
    (cd "$npm" && npm install --no-package-lock --no-audit --no-fund >npm.log 2>&1)
fi
read -r -a priority <<<"${PRIORITY:-}"
server=
trap '[ -z "$server" ] || kill "$server"' EXIT

# An answer of 2,048 pieces, and a short one.
python3 - "$work" <<'PYTHON'
import json, sys
for name, content in {"long": "word " * 2048, "short": "word " * 8}.items():
    with open(f"{sys.argv[1]}/{name}.json", "w") as file:
        json.dump({"fixtures": [{"match": {"userMessage": ""}, "response": {"content": content}}]}, file)
PYTHON
cat >"$work/chat.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"model":"stub","max_tokens":8,"messages":[{"role":"user","content":"hello"}]}'
LUA

start() { # start assay-worker|aimock FIXTURES DELAY-MS: sets server and port
    local command=("$build/systems/worker/assay-worker" --stub-mode --threads 1 --port 0)
    if [ "$1" = aimock ]; then
        command=(node "$npm/node_modules/@copilotkit/aimock/dist/cli.js" --port 0 --chunk-size 5
            --latency "$3" --fixtures "$work/$2.json")
    fi
    "${priority[@]}" taskset -c 0 "${command[@]}" >"$work/server.out" 2>&1 &
    server=$!
    for _ in $(seq 300); do
        port=$(sed -n 's/.*http:\/\/127\.0\.0\.1:\([0-9]*\).*/\1/p' "$work/server.out" | head -n 1)
        [ -n "$port" ] && return
        sleep 0.1
    done
    echo "bench/worker/aimock.sh: $1 does not listen" >&2
    exit 1
}

stop() {
    kill "$server"
    wait "$server" 2>/dev/null || true
    server=
}

title() { # title SERVER
    printf '[load %s] %s: ' "$(cut -d ' ' -f 1 /proc/loadavg)" "$1"
}

streams() { # streams COUNT DELAY-MS
    for name in assay-worker aimock; do
        start "$name" long "$2"
        title "$name"
        "${priority[@]}" taskset -c 1 "$build/bench/worker/streams" "$port" "$server" "$1" "$2" \
            "$seconds" 2048 chat
        stop
    done
}

json() {
    for name in assay-worker aimock; do
        start "$name" short 0
        title "$name"
        "${priority[@]}" taskset -c 1 wrk -t 1 -c 32 -d "$seconds" -s "$work/chat.lua" \
            "http://127.0.0.1:$port/v1/chat/completions" |
            sed -n 's/Requests\/sec: */JSON answers, requests\/s /p; s/ *Non-2xx/, refused/p' | tr '\n' ' '
        sed -n 's/VmHWM:[ \t]*\([0-9]*\) kB/\1 KB/p' "/proc/$server/status"
        stop
    done
}

for _ in $(seq "$rounds"); do
    streams 200 0
    streams 1000 100
    command -v wrk >/dev/null && json
done
