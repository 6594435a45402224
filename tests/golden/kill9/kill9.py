#!/usr/bin/env python3
"""Kill assay with SIGKILL at random moments, and see that nothing is lost and nothing is left.

    kill9.py --path DIR…        ASSAY_KILL_ROUNDS=N (50), ASSAY_KILL_SEED=N (a fresh one, printed)

Every round runs a suite of its own kind of mixture (a service for all cases, one for each case,
programs, waits) and kills the runner after a random time. Then: the database passes SQLite's
integrity check, no process of the round is left (they are found by a marker in their environment,
which keepers, services and programs inherit), and `--resume` does exactly the rest: every planned
case has one result in the end, and what had finished before is not done again. Each case says in a
file that it began, which tells.
"""

import argparse
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

CASES = 24
LEAVE_LIMIT_S = 20


def suite():
    """Cases of every kind; each appends its id to the file `begun` and takes a few milliseconds."""
    cases = []
    for number in range(CASES):
        name = f"case {number:02}"
        say = f"echo '{name}' >> begun; sleep 0.0{number % 5}"
        case = {"id": name, "exec": {"shell": say}, "expect": {"exit": 0}}
        if number % 4 == 1:
            case = {"id": name, "steps": [
                {"exec": {"shell": say}, "expect": {"exit": 0}},
                {"service": "worker", "execute": {"prompt": "go on", "max_tokens": 8,
                                                  "headers": {"X-Assay-Delay-Ms": 2}},
                 "expect": {"events": "started token+ metrics* end"}}]}
        elif number % 8 == 2:
            case = {"id": name, "steps": [
                {"exec": {"shell": say}, "expect": {"exit": 0}},
                {"service": "own", "http": {"get": "/health"}, "expect": {"status": 200}}]}
        elif number % 8 == 6:  # one that gets away: a daemon in a session of its own
            case["exec"]["shell"] = f"setsid sleep 600 > /dev/null 2>&1 & {say}"
        elif number % 8 == 3:
            case["retry"] = {"attempts": 3, "backoff": "1ms"}
        if number % 6 == 5:
            case["needs"] = [f"case {number - 1:02}"]
        cases.append(case)
    worker = {"command": ["assay-worker", "--stub-mode", "--port", "${port}"],
              "ready": {"http": "/health"}}
    return {"services": {"worker": worker, "own": dict(worker, scope="case")}, "cases": cases}


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


def gone(marker):
    """Wait until nothing is left; what is, after the limit, is killed and returned."""
    deadline = time.monotonic() + LEAVE_LIMIT_S
    while (found := marked(marker)) and time.monotonic() < deadline:
        time.sleep(0.005)
    for pid in found:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return found


def begun(folder):
    """How often each case began."""
    try:
        with open(os.path.join(folder, "begun"), encoding="utf-8") as file:
            lines = file.read().split("\n")[:-1]
    except FileNotFoundError:
        lines = []
    return {name: lines.count(name) for name in lines}


class Store:
    """What the database of a round says."""

    def __init__(self, folder):
        self.path = os.path.join(folder, ".assay", "results.db")

    def rows(self, query):
        if not os.path.exists(self.path):
            return []
        with sqlite3.connect(self.path) as database:
            return database.execute(query).fetchall()

    def intact(self):
        return self.rows("PRAGMA integrity_check") in ([], [("ok",)])

    def planned(self):
        try:
            return self.rows("SELECT count(*) FROM planned") not in ([], [(0,)])
        except sqlite3.OperationalError:
            return False  # killed before the tables were made

    def results(self):
        """Pairs of id and status, with repetition if there should be any."""
        return self.rows("SELECT t.id, r.status FROM result r JOIN test_case t USING (test_case)")


def one_round(assay, env, folder, after):
    """Faults of one round, as lines; whether the kill came while cases ran."""
    marker = env["ASSAY_GOLDEN"]
    command = [assay, "run", "suite.json", "--jobs", "4", "--quiet"]
    with subprocess.Popen(command, cwd=folder, env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        time.sleep(after)
        process.kill()
        errors = process.stderr.read().decode(errors="replace")
    ended = process.returncode != -signal.SIGKILL
    faults = [f"process {pid} survived" for pid in gone(marker)]
    store = Store(folder)
    if not store.intact():
        return faults + ["the database is damaged"], False
    if not store.planned():
        return faults, False  # killed before anything was begun
    before = dict(store.results())
    first = begun(folder)
    resumed = subprocess.run([assay, "run", "--resume", "--quiet"], cwd=folder, env=env, check=False,
                             stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    text = (resumed.stdout + resumed.stderr).decode(errors="replace")
    if resumed.returncode != 0:
        faults.append(f"--resume ended with {resumed.returncode}: {text} {errors}")
    faults += [f"process {pid} survived --resume" for pid in gone(marker)]
    if not store.intact():
        return faults + ["the database is damaged after --resume"], False
    results, second = store.results(), begun(folder)
    names = [f"case {number:02}" for number in range(CASES)]
    if sorted(name for name, _ in results) != names:
        faults.append(f"results of {len(results)} cases, not one of each of {CASES}: {results}")
    faults += [f"{name} did not pass: status {status}" for name, status in results if status != 0]
    for name in names:
        again = second.get(name, 0) - first.get(name, 0)
        if again != (0 if name in before else 1):
            faults.append(f"{name} was begun {again} times by --resume, and it had "
                          f"{'finished' if name in before else 'not finished'} before")
    return faults, not ended and 0 < len(before) < CASES


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", action="append", default=[])
    arguments = parser.parse_args()
    rounds = int(os.environ.get("ASSAY_KILL_ROUNDS", "50"))
    seed = int(os.environ.get("ASSAY_KILL_SEED", random.SystemRandom().randrange(1 << 32)))
    chance = random.Random(seed)
    paths = [os.path.abspath(path) for path in arguments.path]
    assay = shutil.which("assay", path=":".join(paths))
    text = json.dumps(suite(), indent=1)
    print(f"# ASSAY_KILL_SEED={seed}")
    print(f"1..{rounds + 2}")
    failed, within, longest = 0, 0, 0.3
    for number in range(rounds + 1):
        folder = os.path.realpath(tempfile.mkdtemp(prefix="assay-kill9-"))
        with open(os.path.join(folder, "suite.json"), "w", encoding="utf-8") as file:
            file.write(text)
        env = {name: value for name, value in os.environ.items() if not name.startswith("ASSAY_")}
        env |= {"PATH": ":".join(paths + ["/usr/bin", "/bin"]), "ASSAY_GOLDEN": os.path.basename(folder)}
        if number == 0:  # how long a whole run takes here, so that kills fall into it
            start = time.monotonic()
            whole = subprocess.run([assay, "run", "suite.json", "--jobs", "4"], cwd=folder, env=env,
                                   check=False, stdin=subprocess.DEVNULL, capture_output=True)
            longest = time.monotonic() - start
            faults = [] if whole.returncode == 0 else [whole.stdout.decode(errors="replace")]
            title = "the suite passes when nothing is killed"
        else:
            after = chance.uniform(0, longest)
            faults, ran = one_round(assay, env, folder, after)
            within += ran
            title = f"killed: nothing lost, nothing left, --resume does the rest (round {number})"
        failed += bool(faults)
        print(f"{'not ok' if faults else 'ok'} {number + 1} - {title}", flush=True)
        for line in "\n".join(faults).split("\n") if faults else []:
            print(f"# {line}")
        if faults:
            print(f"# the folder is kept: {folder}")
        else:
            shutil.rmtree(folder)
    enough = within * 3 >= rounds
    print(f"{'ok' if enough else 'not ok'} {rounds + 2} - a third of the kills came while cases ran")
    print(f"# {within} of {rounds} did, in {longest:.2f} s that a run takes")
    return 1 if failed or not enough else 0


if __name__ == "__main__":
    sys.exit(main())
