#!/usr/bin/env python3
"""Documentation that cannot be wrong: runs the commands that a page shows and compares what they
print with what the page says they print.

    tools/console.py [--check] BUILD-FOLDER PAGE

A block fenced as ```LANGUAGE NAME is a file, written to an empty folder under that name; a block
fenced as ```console is a session there: "$ COMMAND" and its output. Times, identifiers, seeds,
ports and the like may differ, and a line that is "…" stands for any lines. Without --check, the
sessions of a page where something else differs are replaced by the real ones."""

import difflib
import os
import re
import subprocess
import sys
import tempfile

VARYING = [
    (r"\d+(\.\d+)? ?(ns|µs|ms|s|min)\b", "TIME"),
    (r"\b\d{8}-\d{6}-[0-9a-f]{4}\b", "RUN"),
    (r"\bseed \d+", "seed N"),
    (r"(127\.0\.0\.1|localhost):\d+", "HOST:PORT"),
    (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "UUID"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.0-9]*Z?", "DATE"),
    (r"\b(pid|port) \d+", "N"),
    (r"\d+ at a time", "N at a time"),
    (r"\d+ tries", "N tries"),
    (r"_ms\":\d+", "_ms\":N"),
    (r'"state":"(ready|busy)"', "STATE"),
    (r"Content-Length: \d+", "Content-Length: N"),
    (r" +", " "),
]


def plain(line):
    for pattern, word in VARYING:
        line = re.sub(pattern, word, line)
    return line.rstrip()


def matches(shown, real):
    """Line by line; "…" is any number of lines."""
    if not shown:
        return not real
    if shown[0].strip() == "…":
        return any(matches(shown[1:], real[i:]) for i in range(len(real) + 1))
    return bool(real) and plain(shown[0]) == plain(real[0]) and matches(shown[1:], real[1:])


class Session:
    """A folder, and what happens in it."""

    def __init__(self, build, folder):
        self.folder, self.status = folder, 0
        path = [os.path.join(build, "src"), os.path.join(build, "systems/worker")]
        os.symlink(os.path.abspath("suites"), os.path.join(folder, "suites"))
        self.environment = {"PATH": ":".join(path + ["/usr/local/bin:/usr/bin:/bin"]),
                            "HOME": folder, "LC_ALL": "C.UTF-8", "TERM": "dumb",
                            "PKG_CONFIG_PATH": os.path.join(build, "meson-uninstalled"),
                            "LD_LIBRARY_PATH": os.path.join(build, "lib/api")}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "ASAN_SYMBOLIZER_PATH"):
            if name in os.environ:
                self.environment[name] = os.environ[name]

    def write(self, name, lines):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def run(self, command):
        done = subprocess.run(["bash", "-c", f"(exit {self.status}); {command}"], cwd=self.folder,
                              env=self.environment, stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120,
                              check=False)
        self.status = done.returncode
        lines = done.stdout.rstrip("\n").split("\n") if done.stdout else []
        return [line.rstrip() for line in lines]

    def console(self, lines):
        """The block as shown where that is right, and the block as it really came out."""
        kept, fresh, at = [], [], 0
        while at < len(lines):
            command = [lines[at]]
            at += 1
            while command[-1].endswith("\\"):
                command.append(lines[at])
                at += 1
            shown = []
            while at < len(lines) and not lines[at].startswith("$ "):
                shown.append(lines[at])
                at += 1
            gap = []
            while shown and not shown[-1]:
                gap.append(shown.pop())
            real = self.run("\n".join(command)[2:])
            right = matches(shown, real)
            kept += command + (shown if right else real) + gap
            fresh += command + (shown if right and "…" in shown else real) + gap
        return kept, fresh


def rewritten(text, session):
    """The page with what is wrong put right; and then all of it as it came out just now, so that
    seeds and identifiers shown in several places agree."""
    kept, fresh, block, fence = [], [], [], None
    for line in text.split("\n"):
        if fence is not None and line != "```":
            block.append(line)
            continue
        if fence is None and line.startswith("```"):
            fence, block = line[3:].split(), []
        elif fence is not None:
            if len(fence) == 2:
                session.write(fence[1], block)
            both = session.console(block) if fence == ["console"] else (block, block)
            kept += both[0]
            fresh += both[1]
            fence = None
        kept.append(line)
        fresh.append(line)
    return "\n".join(kept), "\n".join(fresh)


def main():
    check = sys.argv[1] == "--check"
    build, page = sys.argv[-2:]
    with open(page, encoding="utf-8") as file:
        text = file.read()
    with tempfile.TemporaryDirectory() as folder:
        right, fresh = rewritten(text, Session(build, folder))
    if not check:
        if right != text:
            with open(page, "w", encoding="utf-8") as file:
                file.write(fresh)
        return 0
    for line in difflib.unified_diff(text.split("\n"), right.split("\n"), page, "as run", lineterm=""):
        print("# " + line)
    print(f"{'ok' if right == text else 'not ok'} - {page} shows what its commands really print"
          + ("" if right == text else " (make docs writes it)"))
    return 0 if right == text else 1


sys.exit(main())
