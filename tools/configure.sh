#!/usr/bin/env bash
# Bring one of the build folders that checks use into its configuration, and leave it alone when it
# is there already, so that checks build incrementally. The folder is build-check-KIND.
#
#     tools/configure.sh gcc|clang|threads
set -euo pipefail
cd "$(dirname "$0")/.."

kind=${1:-}
case $kind in
gcc)
    export CC=gcc
    options=(--werror)
    ;;
clang) # tests and fuzz targets share the objects
    export CC=clang-19
    options=(--werror -Dfuzz=true -Db_sanitize="address,undefined" -Db_lundef=false
        -Doptimization=1 -Ddebug=true)
    ;;
threads)
    export CC=clang-19
    options=(-Db_sanitize=thread -Db_lundef=false -Doptimization=1 -Ddebug=true)
    ;;
*)
    echo "usage: tools/configure.sh gcc|clang|threads" >&2
    exit 2
    ;;
esac

dir=build-check-$kind
if [ -e "$dir/build.ninja" ] && [ "$(cat "$dir/configured-as" 2>/dev/null)" = "${options[*]}" ]; then
    exit 0
fi
rm -rf "$dir"
meson setup "$dir" "${options[@]}"
echo "${options[*]}" >"$dir/configured-as"
