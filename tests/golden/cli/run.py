#!/usr/bin/env python3
"""Golden tests of the command line: what is typed, and what must come back, side by side.

    run.py --path DIR… [--update] FILE.golden…

A file holds cases, each run in a fresh folder:

    === a case without a check is an error
    --- suite.json                  a file of the case, up to the next line of these kinds
    {"cases": [{"id": "x", "wait": "1ms"}]}
    $ assay plan suite.json         a command, run by sh; then what it must print ("$= …": with
                                    times as they are):
    ! suite.json:1:12: error: …     a line of standard error
      the plan                      a line of standard output, after two blanks
    [2]                             the exit status, when it is not 0
    # …                             prose, before the first file or command

What differs from run to run (times, ports, ids, folders) is replaced by words before comparing.
`--update` writes what came instead of comparing. A case also fails when a process that it started
is still there after its last command. The folder of a failed case is kept and named.
"""

import argparse
import difflib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

COMMAND_LIMIT_S = 120
LEAVE_LIMIT_S = 5

# Measured times have a blank before the unit; limits, which do not vary, follow these words.
MEASURED = re.compile(
    r"(?<!limit of )(?<!within )(?<![\w.])( *)(\d+(?:\.\d+)?) (ns|µs|ms|s|min|h)\b(?! examples)")

# Which cases are the slowest differs every time.
SLOWEST = re.compile(r"(^slowest\n)((?: +TIME  .*\n)+)", re.M)

REPLACEMENTS = [
    (re.compile(r"\b\d{8}-\d{6}-[0-9a-f]{4}\b"), "RUN"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "UUID"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"), "DATE"),
    (re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):\d{4,5}\b"), r"\1:PORT"),
    (re.compile(r"\bport \d{4,5}\b"), "port PORT"),
    (re.compile(r"(?<= )\d+ at a time, seed"), "N at a time, seed"),
    (re.compile(r"\bpid \d+\b"), "pid PID"),
    (re.compile(r"\bDate: .* GMT"), "Date: DATE"),
    (re.compile(r'hostname="[^"]*"'), 'hostname="HOST"'),
    (re.compile(r"\bseed \d{9,}\b"), "seed SEED"),
    (re.compile(r"after \d+ ms: "), "after TIME: "),
    (re.compile(r"(\"?(?:duration|time|start|stop)(?:_ms)?\"?[=:] ?\"?)\d+(\.\d+)?"), r"\1TIME"),
]


def normalised(text, folder, times):
    """`text` without what differs from run to run; with `times`, those are left."""
    text = text.replace(folder, "FOLDER")
    for pattern, word in REPLACEMENTS:
        text = pattern.sub(word, text)
    if not times:
        text = MEASURED.sub(lambda m: (" " if m.group(1) else "") + "TIME", text)
    return SLOWEST.sub(r"\1   TIME  …\n", text)


class Case:
    """A case: its name, and its lines in the file, so that they can be written back."""

    def __init__(self, name):
        self.name = name
        self.parts = []  # ("prose", line) | ("file", name, [lines]) | ("command", text, [expected])

    def text(self):
        lines = [f"=== {self.name}"]
        for part in self.parts:
            if part[0] == "prose":
                lines.append(part[1])
            elif part[0] == "file":
                lines += [f"--- {part[1]}"] + part[2]
            else:
                lines += [f"${part[1]}"] + part[2]
        return "\n".join(lines)


def parse(path):
    """(prose before the first case, the cases) of a file."""
    head, cases = [], []
    with open(path, encoding="utf-8") as file:
        for line in file.read().split("\n")[:-1]:
            if line.startswith("=== "):
                cases.append(Case(line[4:]))
            elif not cases:
                head.append(line)
            elif line.startswith("--- "):
                cases[-1].parts.append(("file", line[4:], []))
            elif line.startswith(("$ ", "$= ")):
                cases[-1].parts.append(("command", line[1:], []))
            elif cases[-1].parts and cases[-1].parts[-1][0] != "prose":
                cases[-1].parts[-1][2].append(line)
            else:
                cases[-1].parts.append(("prose", line))
    return head, cases


def environment(marker, folder, paths):
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("ASSAY_", "MESON_")) and name not in ("NO_COLOR", "MALLOC_PERTURB_")}
    kept |= {"PATH": ":".join(paths + ["/usr/bin", "/bin"]), "HOME": folder, "LC_ALL": "C.UTF-8",
             "TERM": "dumb", "TZ": "UTC", "ASSAY_GOLDEN": marker}
    return kept


def left_behind(marker):
    """Processes that carry the case's marker in their environment."""
    found = []
    wanted = f"ASSAY_GOLDEN={marker}".encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if wanted not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                state = file.read().rsplit(")", 1)[1].split()[0]
            with open(f"/proc/{entry}/cmdline", "rb") as file:
                command = file.read().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            continue  # it ended meanwhile
        if state not in "ZX":
            found.append((int(entry), command))
    return found


def wait_until_left(marker):
    """What is still there when the time is over; those are killed."""
    deadline = time.monotonic() + LEAVE_LIMIT_S
    while (found := left_behind(marker)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for pid, _ in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return found


def output_lines(text, prefix):
    if not text:
        return []
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    else:
        lines[-1] += "␄"  # no newline at the end
    return [(prefix + line).rstrip(" ") if line else prefix.rstrip(" ") for line in lines]


def run_command(command, folder, env):
    """The lines that describe what came of a command; it begins with " " or "= "."""
    times = command.startswith("=")
    command = command.lstrip("= ")
    with subprocess.Popen(["sh", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=COMMAND_LIMIT_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"did not end within {COMMAND_LIMIT_S} s\n".encode()
    lines = output_lines(normalised(out.decode(errors="replace"), folder, times), "  ")
    lines += output_lines(normalised(err.decode(errors="replace"), folder, times), "! ")
    if process.returncode:
        lines.append(f"[{process.returncode}]")
    return lines


def run_case(case, paths, update):
    """What is wrong with a case, as lines; updates its expectations when asked to."""
    folder = os.path.realpath(tempfile.mkdtemp(prefix="assay-golden-"))
    marker = os.path.basename(folder)
    env = environment(marker, folder, paths)
    faults = []
    for index, part in enumerate(case.parts):
        if part[0] == "file":
            path = os.path.join(folder, part[1].split()[0])
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(line + "\n" for line in part[2]))
            if path.endswith((".py", ".sh")):
                os.chmod(path, 0o755)
        elif part[0] == "command":
            # Blank lines before the next marker belong to the layout.
            blank = []
            expected = list(part[2])
            while expected and expected[-1] == "":
                blank.append(expected.pop())
            got = run_command(part[1], folder, env)
            if update:
                case.parts[index] = ("command", part[1], got + blank)
            elif got != expected:
                faults.append(f"${part[1]}")
                faults += difflib.unified_diff(expected, got, "expected", "got", lineterm="")
    left = wait_until_left(marker)
    faults += [f"process {pid} is still there: {command}" for pid, command in left]
    if faults:
        faults.append(f"the folder is kept: {folder}")
    else:
        shutil.rmtree(folder)
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", action="append", default=[])
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", help="only cases whose name holds this")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    number, failed = 0, 0
    paths = [os.path.abspath(path) for path in arguments.path]
    for name in arguments.files:
        head, cases = parse(name)
        for case in cases:
            if arguments.only and arguments.only not in case.name:
                continue
            number += 1
            faults = run_case(case, paths, arguments.update)
            failed += bool(faults)
            print(f"{'not ok' if faults else 'ok'} {number} - {case.name}", flush=True)
            for fault in faults:
                print(f"# {fault}")
        if arguments.update:
            with open(name, "w", encoding="utf-8") as file:
                file.write("\n".join(head + [case.text() for case in cases]) + "\n")
    print(f"1..{number}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
