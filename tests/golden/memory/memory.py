#!/usr/bin/env python3
"""Let every allocation fail in turn: assay always ends cleanly, with one line and exit status 3.

    memory.py --path DIR…       ASSAY_FAIL_STEP=N  every N-th allocation only (1)

With ASSAY_FAIL_ALLOCATION=n the n-th allocation of a program fails. For growing n the commands below
must say "out of memory" in one line on standard error and exit 3, until n is beyond what they
allocate; never crash, hang, leave a process behind or damage the store. The first few hundred are
tried one by one, the rest in steps that grow, so that the sweep ends.
"""

import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

SUITE = {
    "vars": {"word": "x", "key": {"value": "hidden-value", "secret": True}},
    "services": {"worker": {"command": ["assay-worker", "--stub-mode", "--port", "${port}"],
                            "ready": {"http": "/health"}}},
    "cases": [
        {"id": "asks", "http": {"get": "/health"}, "expect": {"status": 200, "json": {"$.status": "healthy"}}},
        {"id": "streams", "execute": {"prompt": "go on", "max_tokens": 3}, "expect": {"events": "started token+ end"}},
        {"id": "runs", "matrix": {"n": [1, 2]}, "exec": {"command": ["echo", "${word}${n}"]},
         "expect": {"stdout": {"matches": "^x"}}},
        {"id": "fails", "exec": {"command": ["echo", "a"]}, "expect": {"stdout": "b\n"}},
        {"id": "is made up", "given": {"n": {"int": [0, 9]}}, "examples": 3,
         "exec": {"command": ["echo", "${n}"]}, "expect": {"json": {"$": {"lt": 5}}}},
    ],
}

COMMANDS = {
    "plan": (["plan", "suite.json"], 0),
    "run": (["run", "suite.json", "-j2", "--seed", "1", "--report", "junit=r.xml", "--report", "jsonl=r.jsonl"], 1),
    "report": (["report", "--report", "markdown=r.md"], 0),
    "schema": (["schema"], 0),
}

OUT_OF_MEMORY = re.compile(rb"assay: out of memory \(\d+ bytes wanted\)\n")


def marked(marker):
    """Pids of processes, zombies aside, whose environment has the marker."""
    wanted = f"ASSAY_GOLDEN={marker}".encode()
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{entry}/environ", "rb") as file:
                if wanted not in file.read().split(b"\0"):
                    continue
            with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as file:
                if file.read().rsplit(")", 1)[1].split()[0] not in "ZX":
                    found.append(int(entry))
        except OSError:
            pass  # it ended meanwhile
    return found


def run(arguments, folder, env, allocation):
    env = env | ({"ASSAY_FAIL_ALLOCATION": str(allocation)} if allocation else {})
    return subprocess.run(arguments, cwd=folder, env=env, check=False, stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60)


def fault_of(ended, allocation, folder, env, status):
    """What is wrong with how a command ended, or None; and whether the allocation was reached."""
    if ended.returncode == 3 and b"out of memory" in ended.stderr:
        # A child that runs out says so itself; then the run goes on or fails as it should.
        if not OUT_OF_MEMORY.search(ended.stderr):
            return f"allocation {allocation}: {ended.stderr.decode(errors='replace')}", True
    elif ended.returncode not in (status, 1, 3) or (ended.returncode < 0):
        return (f"allocation {allocation}: exit status {ended.returncode}: "
                f"{ended.stderr.decode(errors='replace')[-2000:]}"), True
    deadline = time.monotonic() + 20
    while (left := marked(env["ASSAY_GOLDEN"])) and time.monotonic() < deadline:
        time.sleep(0.005)
    if left:
        return f"allocation {allocation}: processes {left} are left", True
    database = os.path.join(folder, ".assay", "results.db")
    if os.path.exists(database):
        with sqlite3.connect(database) as store:
            if store.execute("PRAGMA integrity_check").fetchall() != [("ok",)]:
                return f"allocation {allocation}: the database is damaged", True
    return None, b"out of memory" in ended.stderr


def sweep(assay, name, env, folder, step):
    """Faults of all allocations of a command, as lines; how many were tried."""
    arguments, status = COMMANDS[name]
    whole = run([assay] + arguments, folder, env, 0)
    if whole.returncode != status:
        return [f"without a fault: {whole.returncode}: {whole.stderr.decode(errors='replace')}"], 0
    allocation, tried, beyond, faults = 1, 0, 0, []
    while beyond < 3 and len(faults) < 5:
        try:
            ended = run([assay] + arguments, folder, env, allocation)
        except subprocess.TimeoutExpired:
            return faults + [f"allocation {allocation}: it hangs"], tried
        fault, reached = fault_of(ended, allocation, folder, env, status)
        faults += [fault] if fault else []
        beyond = 0 if reached else beyond + 1
        tried += 1
        allocation += step * max(1, allocation // 60)
    return faults, tried


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", action="append", default=[])
    arguments = parser.parse_args()
    step = int(os.environ.get("ASSAY_FAIL_STEP", "1"))
    paths = [os.path.abspath(path) for path in arguments.path]
    assay = shutil.which("assay", path=":".join(paths))
    folder = os.path.realpath(tempfile.mkdtemp(prefix="assay-memory-"))
    with open(os.path.join(folder, "suite.json"), "w", encoding="utf-8") as file:
        json.dump(SUITE, file)
    env = {key: value for key, value in os.environ.items() if not key.startswith("ASSAY_")}
    env |= {"PATH": ":".join(paths + ["/usr/bin", "/bin"]), "ASSAY_GOLDEN": os.path.basename(folder)}
    print(f"1..{len(COMMANDS)}")
    failed = 0
    for number, name in enumerate(COMMANDS, 1):
        faults, tried = sweep(assay, name, env, folder, step)
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number} - assay {name} ends cleanly when memory is out", flush=True)
        print(f"# {tried} allocations were made to fail")
        for line in "\n".join(faults).split("\n") if faults else []:
            print(f"# {line}")
    if failed:
        print(f"# the folder is kept: {folder}")
    else:
        shutil.rmtree(folder)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
