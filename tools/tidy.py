#!/usr/bin/env python3
"""Run clang-tidy-19 in parallel over our files of a compile database, and only where it matters.

    tools/tidy.py BUILD_DIR

A file that was clean is not looked at again until what the compiler sees of it (itself and its
headers, comments included, because NOLINT is one) or a .clang-tidy changes.
"""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

TIDY = "clang-tidy-19"


def ours():
    """The C files under version control, by real path."""
    listed = subprocess.run(
        ["git", "-c", f"safe.directory={os.getcwd()}", "ls-files", "-z", "*.c"],
        check=True, capture_output=True).stdout
    return {os.path.realpath(name) for name in listed.decode().split("\0") if name}


def preprocessed(entry):
    """What the compiler sees: the entry's command with -E in place of its outputs."""
    command, skip = [], 0
    for word in shlex.split(entry["command"]):
        if skip:
            skip -= 1
        elif word in ("-o", "-MQ", "-MF", "-MT"):
            skip = 1
        elif word not in ("-c", "-MD"):
            command.append(word)
    done = subprocess.run(command + ["-E", "-C"], cwd=entry["directory"], capture_output=True)
    return done.stdout if done.returncode == 0 else None


def findings(output):
    """Without the notes: an analyzer's path can be a hundred lines (run it alone to see them)."""
    kept, keeping = [], True
    for line in output.strip().splitlines():
        if re.search(r": (warning|error|note): ", line):
            keeping = ": note: " not in line
        if keeping:
            kept.append(line)
    return "\n".join(kept)


def main():
    build = Path(sys.argv[1])
    cache = build / "tidy-clean"
    cache.mkdir(exist_ok=True)
    mine = ours()
    configs = b"".join(p.read_bytes() for p in sorted(Path(".").glob("**/.clang-tidy"))
                       if not p.parts[0].startswith("build"))
    configs += subprocess.run([TIDY, "--version"], check=True, capture_output=True).stdout

    entries = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        if path in mine:
            entries[path] = entry

    def look(path):
        text = preprocessed(entries[path])
        stamp = cache / hashlib.sha256((text or b"") + configs + path.encode()).hexdigest()
        if text and stamp.exists():
            return path, True, ""
        done = subprocess.run([TIDY, "--quiet", "-p", str(build), path],
                              capture_output=True, text=True)
        clean = done.returncode == 0 and "warning:" not in done.stdout
        if clean and text:
            stamp.touch()
        return path, clean, done.stdout if done.stdout else done.stderr

    faulty = 0
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for path, clean, output in pool.map(look, sorted(entries)):
            if not clean:
                faulty += 1
                print(findings(output))
    print(f"clang-tidy: {len(entries)} files, {faulty} with findings")
    return 1 if faulty else 0


if __name__ == "__main__":
    sys.exit(main())
