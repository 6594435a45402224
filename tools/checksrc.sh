#!/usr/bin/env bash
# House rules that no compiler checks, after curl's checksrc and s2n's grep_simple_mistakes. Prints
# TAP, one line per rule, each preceded by where it is broken.
set -euo pipefail
cd "$(dirname "$0")/.."

files() { git -c safe.directory="$PWD" ls-files -- "$@" | grep -v '^tests/data/' || true; }
mapfile -t c_files < <(files '*.c' '*.h')
mapfile -t text_files < <(files '*.c' '*.h' '*.sh' '*.py' '*.build' '*.md' '*.json' '*.yaml' '*.yml')

broken=$(mktemp -u)
rule() { # rule NAME: the faults are on standard input, one a line; none is a pass
    local verdict=ok fault
    while read -r fault; do
        verdict='not ok'
        echo "# $fault"
    done
    echo "$verdict - source: $1"
    [ "$verdict" = ok ] || touch "$broken"
}

# Calls of the functions in a regular expression, outside comments that fill their line.
calls() { # calls FUNCTIONS FILE…
    local functions=$1
    shift
    [ $# -gt 0 ] || return 0
    grep -nHE "(^|[^A-Za-z0-9_.>])($functions) *\(" "$@" | grep -vE '^[^:]*:[0-9]+: *(/?\*|//)' || true
}
only_outside() { # only_outside PREFIX FILE…
    local prefix=$1
    shift
    printf '%s\n' "$@" | grep -v "^$prefix" || true
}

calls 'strcpy|strcat|v?sprintf|strtok(_r)?|atoi|atol|atoll|atof|v?s?scanf|vsscanf|gets|alloca' \
    "${c_files[@]}" | rule 'no function that cannot be used safely is called'

mapfile -t beyond_core < <(only_outside lib/core/ "${c_files[@]}")
calls 'strto(l|ll|ul|ull|f|d|ld|imax|umax)' "${beyond_core[@]}" | { grep -v 'our own text' || true; } |
    rule 'numbers are read by core/parse.h, or the line says that it is our own text'

# Engines are other people's programs: they know nothing of ours.
mapfile -t beyond_memory < <(only_outside lib/core/memory.c "${c_files[@]}" | grep -Ev '^(docs/examples|tests/engine)/')
calls 'malloc|calloc|realloc|reallocarray|strn?dup|v?asprintf' "${beyond_memory[@]}" |
    rule 'memory is asked for by core/memory.h'

for file in "${c_files[@]}"; do
    [ "$(head -c 2 "$file")" = '/*' ] || echo "$file: the first line opens no comment"
done | rule 'every C file opens with a comment that says what it is for'

# The class in the pattern keeps it from finding itself.
{ grep -nHE '/[w]ork/|/[h]ome/[a-z]|/[r]oot/|/tmp/[b]uild' "${text_files[@]}" || true; } |
    rule 'no path of a particular machine stands in a file'

# Golden files hold what programs print, blanks and all.
mapfile -t written < <(printf '%s\n' "${text_files[@]}" | grep -v '^tests/\(golden\|data\)/')
{ grep -nHP '\t' "${written[@]}" || true; } | rule 'no tab stands in a file'
{ grep -nHE ' +$' "${written[@]}" || true; } | rule 'no line ends in blanks'
{ grep -nHE '(TODO|FIXME)([^A-Za-z]|$)' "${c_files[@]}" || true; } |
    rule 'nothing is left to do later'

# Lengths. What has to be long says why in a comment with the word "Long:": a file in its opening
# paragraph, a function in the comment before it or in its first lines.
for file in "${c_files[@]}"; do
    lines=$(wc -l <"$file")
    if [ "$lines" -gt 1000 ] && ! head -n 30 "$file" | grep -q 'Long:'; then
        echo "$file: $lines lines; split it, or say \"Long:\" and why in its opening comment"
    fi
done | rule 'a file of more than 1000 lines says why'

metrics=$(pmccabe "${c_files[@]}" 2>/dev/null)
while read -r _ _ _ first lines where name; do
    [ "${lines:-0}" -gt 80 ] || continue
    file=${where%(*}
    from=$((first > 15 ? first - 15 : 1))
    sed -n "${from},$((first + 5))p" "$file" | grep -q 'Long:' ||
        echo "$file:$first: $name is $lines lines; split it, or say \"Long:\" and why before it"
done <<<"$metrics" | rule 'a function of more than 80 lines says why'

echo "# the most complex functions (paths through them, lines, where):"
sort -nr <<<"$metrics" | awk 'NR <= 5 { printf "#   %4d %4d  %s %s\n", $1, $5, $6, $7 }'
if rm "$broken" 2>/dev/null; then
    exit 1
fi
