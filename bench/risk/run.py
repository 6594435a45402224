#!/usr/bin/env python3
"""Does `--order risk` find failures sooner than "what failed last time"? On stores made for it.

    bench/risk/run.py BUILD-FOLDER [SEED]

Five stores are made up, with 200 cases in 10 suites and 120 runs, and with failures of one kind or of
all; the last has real ones:

    breaks    a case breaks now and then and stays broken for some runs
    flaky     some cases fail at random, each with its own probability
    outages   a whole suite fails for a run or two
    chance    failures strike any case at any time: there is nothing to learn
    mixed     breaks, flaky and outages together
    worker    120 runs of worker.json: its 15 cases against the reference worker, whose pace is drawn
              anew in each run and whose settings are wrong for some runs in a row

Prints what `assay history --risk` finds on the last 36 runs after learning from the first 84, as a
table in Markdown.
"""

import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CASES, SUITES, RUNS = 200, 10, 120
SUITE = '{ "name": "s", "cases": [ { "id": "c", "exec": { "command": ["true"] }, "expect": { "exit": 0 } } ] }'
KINDS = ["breaks", "flaky", "outages"]


class Case:
    def __init__(self, number, kinds, chance):
        self.number, self.broken_for = number, 0
        self.breaks = chance.choice([0, 0.002, 0.01]) if "breaks" in kinds else 0
        self.fails = chance.choice([0] * 8 + [0.05, 0.3]) if "flaky" in kinds else 0
        self.anything = 0.01 if "chance" in kinds else 0

    def next(self, chance, outage):
        self.broken_for = max(0, self.broken_for - 1)
        if chance.random() < self.breaks:
            self.broken_for = chance.randint(1, 8)
        return (self.broken_for > 0 or outage or chance.random() < self.fails
                or chance.random() < self.anything)


def fill(path, kinds, seed):
    chance = random.Random(seed)
    cases = [Case(number, kinds, chance) for number in range(1, CASES + 1)]
    with sqlite3.connect(path) as db:
        for table in ("result", "step", "attempt", "verdict", "planned", "definition", "test_case", "run"):
            db.execute(f"DELETE FROM {table}")
        for case in cases:
            suite = f"s{case.number % SUITES}"
            db.execute("INSERT INTO test_case VALUES (?, ?, ?, ?)",
                       (case.number, f"{suite}/c{case.number}", suite, f"c{case.number}"))
        outage = {}
        for run in range(1, RUNS + 1):
            db.execute("INSERT INTO run (run, id, command, host, version, seed, jobs, started, planned)"
                       " VALUES (?, ?, 'assay run', 'lab', '1', 1, 1, ?, ?)", (run, f"r{run:03}", run, CASES))
            for suite in range(SUITES):
                outage[suite] = max(0, outage.get(suite, 0) - 1)
                if "outages" in kinds and chance.random() < 0.01:
                    outage[suite] = chance.randint(1, 2)
            for case in cases:
                failed = case.next(chance, outage[case.number % SUITES] > 0)
                db.execute("INSERT INTO result (run, sequence, test_case, definition, status, flags, started,"
                           " queued, duration, slot) VALUES (?, ?, ?, ?, ?, 0, 1, 0, ?, 0)",
                           (run, case.number, case.number, case.number, 3 if failed else 0,
                            1000000 * (case.number % 7 + 1)))


def make_up(assay, folder, kinds, seed):
    pathlib.Path(folder, "suite.json").write_text(SUITE, encoding="utf-8")
    subprocess.run([assay, "run", "suite.json", "-q"], cwd=folder, check=True, capture_output=True)
    fill(f"{folder}/.assay/results.db", kinds, seed)


def run_worker(build, assay, folder, seed):
    chance = random.Random(seed)
    environment = os.environ | {"PATH": f"{build / 'systems' / 'worker'}:{os.environ['PATH']}"}
    wrong_for, longest = 0, 2048
    for run in range(RUNS):
        wrong_for -= 1
        if wrong_for <= 0:
            longest = 2048
            if chance.random() < 0.05:
                wrong_for, longest = chance.randint(2, 10), chance.choice([5, 20, 50])
        subprocess.run([assay, "run", str(HERE / "worker.json"), "-q", "-j1", f"--set=seed={run}",
                        f"--set=longest={longest}"], cwd=folder, env=environment, capture_output=True)


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    assay = str(build / "src" / "assay")
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    print("| failures | results held out | of them failed | place of failures: learned | failed last time |"
          " AUC: learned | failed last time | log loss: learned | failed last time | used |\n"
          "|---|---|---|---|---|---|---|---|---|---|")
    stores = [(kind, [kind]) for kind in [*KINDS, "chance"]] + [("mixed", KINDS), ("worker", None)]
    for name, kinds in stores:
        with tempfile.TemporaryDirectory() as folder:
            if kinds:
                make_up(assay, folder, kinds, seed)
            else:
                run_worker(build, assay, folder, seed)
            found = json.loads(subprocess.run([assay, "history", "--risk", "--json"], cwd=folder, check=True,
                                              capture_output=True, text=True).stdout)
        model, plain = found["model"], found["failed_last_time"]
        print(f"| {name} | {found['held_results']} | {found['held_failures']} |"
              f" {100 * model['position']:.1f} % | {100 * plain['position']:.1f} % |"
              f" {model['auc']:.3f} | {plain['auc']:.3f} | {model['log_loss']:.4f} | {plain['log_loss']:.4f} |"
              f" {'learned' if found['better'] else 'failed last time'} |", flush=True)


if __name__ == "__main__":
    main()
