"""Stores of a million results: how fast they are filled, and how large they are.

    bench/store.py                                  fill a SQLite store, and print the table
    bench/store.py --postgresql URL                 the same in a database of a server too
    bench/store.py --make FILE [--runs N --cases N] only write such a store as an export

The results are made here, not recorded: runs of the same cases, each with an attempt, a step and two
verdicts; some fail with their evidence, some are flaky; durations are log-normal and one case in
fifty drifts. They go into a store as anybody's do, through `assay store import`. Seeded: the same
every time.
"""

import argparse
import json
import math
import os
import random
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common  # noqa: E402

START = 1795000000 * 10**9  # ns since the epoch
SCHEMA = 2

COLUMNS = {
    "run": "run id command options host version seed jobs started duration exit_status planned"
           " passed skipped cancelled failed error slow flaky leaky timed_out",
    "test_case": "test_case key suite id",
    "definition": "definition test_case hash describe model file line column tags",
    "planned": "run position test_case",
    "result": "run sequence test_case definition status flags started queued duration slot reason"
              " rerun",
    "attempt": "run sequence attempt number status started duration trials trials_passed",
    "step": "run sequence attempt step name kind trial position status line column started"
            " duration first_byte first_token leaky service connect checks",
    "verdict": "run sequence attempt step verdict name passed impossible expected actual message"
               " line column",
    "evidence": "run sequence attempt step request response log",
    "checked": "run name passed failed impossible",
}


class Results:
    """What each case did in each run: few numbers, from which every table's rows are made."""

    def __init__(self, runs, cases):
        chance = random.Random(4711)
        self.runs, self.cases = runs, cases
        self.typical = [int(math.exp(chance.gauss(15.5, 1.2))) for _ in range(cases)]
        self.weak = [chance.random() < 0.02 for _ in range(cases)]
        self.drift = [chance.random() < 0.02 for _ in range(cases)]
        self.seeds = [chance.getrandbits(48) for _ in range(runs)]

    def of_run(self, run):
        """(case, duration in ns, failed, flaky), in the order they finished."""
        chance = random.Random(self.seeds[run])
        uniform, gauss = chance.random, chance.gauss
        for case in range(self.cases):
            duration = int(self.typical[case] * math.exp(gauss(0, 0.1)))
            if self.drift[case]:
                duration = int(duration * (1 + run / 20))
            luck = uniform()
            weak = self.weak[case]
            yield case, duration, luck < (0.2 if weak else 0.001), weak and luck > 0.9


def rows_of(table, results):
    """The rows of a table as JSON texts."""
    for run in range(results.runs):
        began = START + run * 3600 * 10**9
        failed = flaky = 0
        if table == "run":
            for _, _, bad, again in results.of_run(run):
                failed += bad
                flaky += again
            passed = results.cases - failed
            yield (f'[{run + 1},"made-{run:06d}","assay run suite.json","{{}}","maker","0.1.0",'
                   f'{run},8,{began},3600000000000,{1 if failed else 0},{results.cases},{passed},'
                   f'0,0,{failed},0,0,{flaky},0,0]\n')
        elif table in ("test_case", "definition"):
            if run:
                return
            for case in range(results.cases):
                if table == "test_case":
                    yield (f'[{case + 1},"suite{case // 1000}/case {case}","suite{case // 1000}",'
                           f'"case {case}"]\n')
                else:
                    yield (f'[{case + 1},{case + 1},{case * 7919},"what case {case} is about",'
                           f'"model-{case % 5}","suites/suite{case // 1000}.json",{case % 1000 * 9},'
                           f'5,"[\\"area:{case % 20}\\",\\"smoke\\"]"]\n')
        elif table == "planned":
            for case in range(results.cases):
                yield f"[{run + 1},{case},{case + 1}]\n"
        elif table == "checked":
            bad = sum(row[2] for row in results.of_run(run))
            yield f'[{run + 1},"status",{results.cases},0,0]\n'
            yield f'[{run + 1},"json",{results.cases - bad},{bad},0]\n'
        else:
            yield from rows_of_results(table, run + 1, began, results.of_run(run))


def rows_of_results(table, run, began, results):
    at = began
    for sequence, (case, duration, failed, flaky) in enumerate(results, 1):
        at += duration // 8
        status = 3 if failed else 0
        if table == "result":
            why = ('"json $.value: expected 5, got %d","assay run suite.json --case %d"' %
                   (duration % 5, case)) if failed else "null,null"
            yield (f"[{run},{sequence},{case + 1},{case + 1},{status},{2 if flaky else 0},{at},"
                   f"{duration // 50},{duration},{case % 8},{why}]\n")
        elif table == "attempt":
            yield f"[{run},{sequence},0,1,{status},{at},{duration},1,{0 if failed else 1}]\n"
        elif table == "step":
            yield (f'[{run},{sequence},0,0,"http POST /v1/predict","http",0,0,{status},'
                   f"{case % 1000 * 9},7,{at},{duration},{duration // 2},0,0,\"worker\",90000,"
                   f"{duration // 100}]\n")
        elif table == "verdict":
            yield f'[{run},{sequence},0,0,0,"status",1,0,"200","200",null,12,9]\n'
            if failed:
                yield (f'[{run},{sequence},0,0,1,"json $.value",0,0,"5","{duration % 5}",'
                       f'"expected 5, got {duration % 5}",13,9]\n')
            else:
                yield f'[{run},{sequence},0,0,1,"json $.value",1,0,"5","5",null,13,9]\n'
        elif failed:  # evidence
            yield (f'[{run},{sequence},0,0,"POST /v1/predict\\nContent-Type: application/json\\n\\n'
                   f'{{\\"case\\":{case}}}","HTTP 200\\n\\n{{\\"value\\":{duration % 5}}}",'
                   f'"worker: request {sequence} took {duration} ns\\n"]\n')


def make(path, runs, cases):
    """Write the export; how many rows it has."""
    results, count = Results(runs, cases), 0
    with open(path, "w", buffering=1 << 20, encoding="utf-8") as out:
        out.write(json.dumps({"assay_export": 1, "schema": SCHEMA}) + "\n")
        for table, columns in COLUMNS.items():
            out.write(json.dumps({"table": table, "columns": columns.split()}) + "\n")
            for row in rows_of(table, results):
                out.write(row)
                count += 1
        out.write(json.dumps({"end": True, "rows": count}) + "\n")
    return count


def fill(store, path, rows):
    """Import; the row of the table."""
    folder = os.path.join(common.HOME, "store")
    began = time.perf_counter()
    sample = common.run([common.ASSAY, "store", "import", path, "--store", store], folder,
                        peak=True)
    took = time.perf_counter() - began
    facts = os.path.join(folder, "output.txt")
    common.run([common.ASSAY, "store", "info", "--json", "--store", store], folder)
    with open(facts, encoding="utf-8") as text:
        known = json.loads(text.read().splitlines()[-1])
    common_kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[known["kind"]]
    return [common_kind, f"{known['results']:,}", f"{rows:,}", f"{took:.1f} s",
            f"{rows / took:,.0f}", f"{known['results'] / took:,.0f}", f"{sample.cpu:.1f} s",
            f"{known['bytes'] / 1e6:,.0f} MB", f"{sample.rss / 1024:.0f} MB"]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--make", metavar="FILE")
    parser.add_argument("--runs", type=int, default=1 if common.QUICK else 10)
    parser.add_argument("--cases", type=int, default=1000 if common.QUICK else 100_000)
    parser.add_argument("--postgresql", metavar="URL")
    parser.add_argument("--keep", action="store_true", help="leave the stores")
    o = parser.parse_args()
    if o.make:
        print(f"{make(o.make, o.runs, o.cases):,} rows")
        return
    folder = os.path.join(common.HOME, "store")
    os.makedirs(folder, exist_ok=True)
    export, database = os.path.join(folder, "made.jsonl"), os.path.join(folder, "made.db")
    rows = make(export, o.runs, o.cases)
    for left in (database, database + "-wal", database + "-shm"):
        if os.path.exists(left):
            os.remove(left)
    lines = [fill(database, export, rows)]
    if o.postgresql:
        lines.append(fill(o.postgresql, export, rows))
    print(f"### Stores\n\n{o.runs} runs of {o.cases:,} cases; the export is"
          f" {os.path.getsize(export) / 1e6:,.0f} MB.\n")
    head = ["store", "results", "rows", "import", "rows/s", "results/s", "CPU", "size", "memory"]
    print("| " + " | ".join(head) + " |\n|---" + "|--:" * (len(head) - 1) + "|")
    for line in lines:
        print("| " + " | ".join(line) + " |")
    if not o.keep:
        for left in (export, database):
            os.remove(left)


if __name__ == "__main__":
    main()
