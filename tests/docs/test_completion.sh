#!/usr/bin/env bash
# Completions, as the shells see them. assay-documents and assay are on the path.
set -u
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

# shellcheck source=/dev/null
source <(assay-documents bash)
offers() { # offers EXPECTED WORD… : the last word is being completed
    local expected=$1
    shift
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _assay
    echo "# ${*@Q} → ${COMPREPLY[*]}"
    [ "${COMPREPLY[*]}" = "$expected" ]
}

offers 'run report' assay r
report $? 'bash completes a command'
offers '--resume --rerun-failed --report' assay run --re
report $? 'bash completes an option'
offers 'always' assay run --color al
report $? 'bash completes the value of an option'
offers 'junit json jsonl' assay report -r j
report $? 'bash completes report formats after the short form'
offers 'auto always never' assay plan --color = ''
report $? 'bash completes the value after an equals sign'
offers 'last' assay report ''
report $? 'bash completes a run'
offers '' assay run --set mod
report $? 'bash offers nothing where anything can stand'
folder=$(mktemp -d)
touch "$folder/one.json" "$folder/other.txt"
offers "$folder/one.json" assay run "$folder/on"
report $? 'bash completes files where suites stand'
rm -r "$folder"

for shell in zsh fish; do
    count=$((count + 1))
    if ! command -v $shell >/dev/null; then
        echo "ok $count - $shell reads its completion # SKIP $shell is not installed"
    elif assay-documents $shell | $shell -n /dev/stdin; then
        echo "ok $count - $shell reads its completion"
    else
        echo "not ok $count - $shell reads its completion"
        failed=1
    fi
done

missing=0
for command in $(assay help | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    grep -q "'assay-$command'" "$(dirname "$0")/../../docs/meson.build" || {
        echo "# assay-$command is not in docs/meson.build"
        missing=1
    }
done
report $missing 'every command has a manual page'
echo "1..$count"
exit $failed
