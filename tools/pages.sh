#!/usr/bin/env bash
# The pages that are made from the program's own tables, and the commands shown in the others: write
# them again after a change (make docs), or check that they are as the program makes them.
#
#     tools/pages.sh [--check] BUILD-FOLDER        (--check prints TAP and writes nothing)
set -euo pipefail
check=
if [ "${1:-}" = --check ]; then
    check=yes
    shift
fi
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."

made='
docs/reference/cli.md           |assay-documents cli.md
docs/reference/load.md          |assay-documents load.md
docs/reference/suite.md         |assay schema --reference
docs/reference/assay.schema.json|assay schema
docs/reference/scenario.md      |assay schema --scenario --reference
docs/reference/scenario.schema.json|assay schema --scenario
'
shown=(README.md docs/guide.md docs/aggregate.md docs/failures.md docs/history.md docs/llm.md docs/store.md)

status=0
while IFS='|' read -r page command; do
    page=${page// /}
    [ -n "$page" ] || continue
    if [ -z "$check" ]; then
        # shellcheck disable=SC2086  # the command is words
        "$build"/src/$command >"$page.new"
        mv "$page.new" "$page"
    elif "$build"/src/$command | diff -u "$page" - | sed 's/^/# /'; then
        echo "ok - $page is as \`$command\` prints it"
    else
        echo "not ok - $page is as \`$command\` prints it (make docs writes it)"
        status=1
    fi
done <<<"$made"

for page in "${shown[@]}"; do
    tools/console.py ${check:+--check} "$build" "$page" || status=1
done
# These have tests of their own, as not every build can be linked with.
if [ -z "$check" ]; then
    tools/reference.py docs/reference/harness.md
    tools/console.py "$build" docs/test-your-worker.md
fi
[ -z "$check" ] || echo "1..$(($(grep -c '|' <<<"$made") + ${#shown[@]}))"
exit $status
