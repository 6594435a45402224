#!/usr/bin/env bash
# Install what is missing of the Debian packages that building, checking and benchmarking need.
# With everything in place this costs one dpkg-query. Each package stands once in the table below,
# with what proves that it is there on a system that is not Debian, and what we want it for.
#
#     tools/deps.sh [build|check|bench|all]     (build is the default; check and bench include it)
set -euo pipefail

# group | package | proof: a command, a pkg-config module or a file | why
table='
build | build-essential        | sh:cc -E -include stdio.h -x c /dev/null | C compiler and libc headers
build | pkg-config             | cmd:pkg-config                    | finds the libraries
build | meson                  | cmd:meson                         | the build system
build | ninja-build            | cmd:ninja                         | runs the build
build | libuv1-dev             | pc:libuv                          | event loop, processes, signals
build | libcurl4-openssl-dev   | pc:libcurl                        | HTTP client of the steps
build | libjansson-dev         | pc:jansson                        | JSON
build | libfyaml-dev           | pc:libfyaml                       | reads suites, YAML and JSON
build | libpcre2-dev           | pc:libpcre2-8                     | regular expressions
build | libsqlite3-dev         | pc:sqlite3                        | the result store
build | libpq-dev              | pc:libpq                          | result stores in PostgreSQL
build | libssl-dev            | pc:libssl                         | TLS of loads, signs webhooks
build | zlib1g-dev             | pc:zlib                           | histogram logs of loads
build | libnghttp2-dev        | pc:libnghttp2                     | HTTP/2 of loads
build | scdoc                  | cmd:scdoc                         | man pages
check | git                    | cmd:git                           | names the files to check
check | libcmocka-dev          | pc:cmocka                         | unit tests
check | libcriterion-dev       | pc:criterion                      | the harness in tests of this framework
check | clang-19               | cmd:clang-19                      | sanitizers and fuzzing
check | libclang-rt-19-dev     | sh:clang-19 -fsanitize=address,fuzzer -E -x c /dev/null | their runtimes
check | llvm-19                | cmd:llvm-symbolizer-19            | readable stack traces of the sanitizers
check | clang-format-19        | cmd:clang-format-19               | the format check
check | clang-tidy-19          | cmd:clang-tidy-19                 | static analysis
check | cppcheck               | cmd:cppcheck                      | static analysis
check | pmccabe                | cmd:pmccabe                       | lengths and complexities of functions
check | shellcheck             | cmd:shellcheck                    | static analysis of the shell scripts
check | node-llhttp            | file:/usr/share/llhttp/llhttp.c   | the HTTP parser that ours is compared with
check | sqlite3                | cmd:sqlite3                       | looks into the store in tests
check | postgresql             | sh:ls /usr/lib/postgresql         | the server that tests of such stores start
check | libxml2-utils          | cmd:xmllint                       | reads the XML reports in tests
check | python3-scipy          | file:/usr/lib/python3/dist-packages/scipy/__init__.py | statistics that ours are compared with
bench | python3                | cmd:python3                       | runs the benchmarks
bench | time                   | file:/usr/bin/time                | measures memory
check | nodejs                 | cmd:node                          | runs the client of OpenAI, and aimock
check | chromium               | cmd:chromium                      | opens reports in tests
check | zsh                    | cmd:zsh                           | reads its completions in tests
check | fish                   | cmd:fish                          | reads its completions in tests
check | nginx                  | cmd:nginx                         | a service of HTTP/2 in tests
check | npm                    | cmd:npm                           | fetches them
bench | wrk                    | cmd:wrk                           | says what a server can do
bench | nginx                  | cmd:nginx                         | the server that load generators are compared on
bench | nghttp2-client         | cmd:h2load                        | a load generator to compare with
bench | hey                    | cmd:hey                           | a load generator to compare with
bench | apache2-utils          | cmd:ab                            | a load generator to compare with
bench | python3-aiohttp        | file:/usr/lib/python3/dist-packages/aiohttp/__init__.py | a client of event streams to compare with
bench | nodejs                 | cmd:node                          | runs newman and StepCI
bench | npm                    | cmd:npm                           | fetches newman, StepCI and autocannon
'

group=${1:-build}
case $group in
build | check | bench | all) ;;
*)
    echo "usage: tools/deps.sh [build|check|bench|all]" >&2
    exit 2
    ;;
esac

packages=() proofs=() reasons=()
while IFS='|' read -r of package proof why; do
    of=${of// /}
    [ -n "$of" ] || continue
    if [ "$group" = all ] || [ "$of" = build ] || [ "$of" = "$group" ]; then
        read -r proof <<<"$proof"
        packages+=("${package// /}") proofs+=("$proof") reasons+=("${why# }")
    fi
done <<<"$table"

there() { # there PROOF: does it hold?
    case $1 in
    cmd:*) command -v "${1#cmd:}" >/dev/null ;;
    pc:*) pkg-config --exists "${1#pc:}" 2>/dev/null ;;
    file:*) [ -e "${1#file:}" ] ;;
    sh:*) ${1#sh:} >/dev/null 2>&1 ;;
    esac
}

# Without apt we cannot install, but whoever installed the same things by hand may go on.
if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    missing=()
    for i in "${!packages[@]}"; do
        there "${proofs[i]}" || missing+=("$i")
    done
    [ ${#missing[@]} -eq 0 ] && exit 0
    {
        echo "tools/deps.sh: this system has no apt. Please install what these Debian packages contain:"
        for i in "${missing[@]}"; do
            printf '  %-22s %s\n' "${packages[i]}" "${reasons[i]}"
        done
    } >&2
    exit 1
fi

# A package that is not known at all makes dpkg-query fail; what it does print is still right.
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true)
missing=()
for i in "${!packages[@]}"; do
    grep -qx "installed ${packages[i]}" <<<"$installed" || there "${proofs[i]}" || missing+=("$i")
done
[ ${#missing[@]} -eq 0 ] && exit 0

names=()
echo "Installing ${#missing[@]} Debian packages:"
for i in "${missing[@]}"; do
    names+=("${packages[i]}")
    printf '  %-22s %s\n' "${packages[i]}" "${reasons[i]}"
done

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "tools/deps.sh: this needs root, and there is no sudo. As root, run:" >&2
        echo "  apt-get install --no-install-recommends ${names[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
install() {
    apt install --no-install-recommends "${names[@]}"
}

# The package lists are read again only when they are absent, or so old that installing fails.
if apt-cache show --no-all-versions "${names[@]}" >/dev/null 2>&1 && install; then
    exit 0
fi
apt update
install
