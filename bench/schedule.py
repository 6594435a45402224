"""bench/schedule: how close a run comes to the best possible schedule.

The work is exact: cases of 50–500 ms, drawn from a seed, each with a check on its time. What is
counted is the duration of the run as the store has it (from the start of the first case to the end
of the run; reading the suite is not in it) against a lower bound that no schedule can beat,
max(total / jobs, longest case), or for the few heavy cases the exact optimum. The total is that of
the durations asked for, so whatever Assay itself takes for a case counts against it.

`wait` steps say how long they take. Where durations must not be known, the reference worker is
asked for an answer after so many ms instead; a second run then knows them from the first.
"""

import itertools
import json
import os
import random
import sqlite3

from common import (ASSAY, QUICK, WORKER, Failed, forget_results, free_port, fresh, load, note, run,
                    served, spread, table)

SEED = 35  # of the document's figures: POC 35
CASES = 20 if QUICK else 200
ROUNDS = 1 if QUICK else 3
HEAVY, HEAVY_SLOTS, HEAVY_JOBS = 10, 3, 5


def durations(count, low, high, seed):
    draw = random.Random(seed)
    return [draw.randint(low, high) for _ in range(count)]


def write(folder, name, waits, worker=None, slots=None):
    """A suite of waits, or of answers that the worker at a URL keeps back."""
    cases = []
    for i, ms in enumerate(waits):
        case = {"id": f"{ms} ms, {i}", "expect": {"time": {"total": f">={ms}ms"}}}
        if worker:
            case["execute"] = {"prompt": "echo:late", "max_tokens": 10,
                               "headers": {"X-Assay-First-Token-Ms": ms}}
        else:
            case["wait"] = f"{ms}ms"
        if slots:
            case["uses"] = {"heavy": 1}
        cases.append(json.dumps(case))
    resources = '"resources": { "heavy": %d }, ' % slots if slots else ""
    service = ('"services": { "worker": { "url": "%s" } }, "defaults": { "service": "worker" },'
               % worker if worker else "")
    with open(os.path.join(folder, name), "w", encoding="ascii") as file:
        file.write('{ "name": "schedule", %s%s\n"cases": [\n' % (resources, service))
        file.write(",\n".join(cases) + "\n] }\n")


def best_on(machines, waits):
    """The shortest possible time on a few machines: every set of loads that can be reached."""
    reached = {(0,) * machines}
    for ms in sorted(waits, reverse=True):
        reached = {tuple(sorted(loads[:m] + (loads[m] + ms,) + loads[m + 1:]))
                   for loads, m in itertools.product(reached, range(machines))}
    return min(max(loads) for loads in reached)


def duration(folder, name, jobs, count):
    """Milliseconds of one run, which must have passed."""
    run([ASSAY, "run", name, "--jobs", str(jobs), "--quiet"], folder)
    db = sqlite3.connect(os.path.join(folder, ".assay", "results.db"))
    ns, passed = db.execute("SELECT duration, passed FROM run ORDER BY run DESC").fetchone()
    db.close()
    if passed != count:
        raise Failed(f"{passed} of {count} passed")
    return ns / 1e6


def row(label, known, waits, best, slots, times, document=""):
    alone = sum(waits)
    return [label, known, f"{best / 1000:.3f}", spread([t / 1000 for t in times], "{:.3f}"),
            spread([alone / t for t in times], "{:.2f}"),
            spread([100 * best / t for t in times], "{:.1f}"),
            spread([100 * alone / slots / t for t in times], "{:.1f}"), document]


class Work:
    """Cases of given durations, on so many slots at best."""

    def __init__(self, label, waits, jobs, best, slots, document=""):
        self.label, self.waits, self.jobs = label, waits, jobs
        self.best, self.slots, self.document = best, slots, document


def measure(folder, work, worker):
    """Rows for one piece of work: declared, then not known, then known from the run before."""
    limit = HEAVY_SLOTS if work.jobs != work.slots else None
    write(folder, "declared.json", work.waits, None, limit)
    write(folder, "served.json", work.waits, worker, limit)
    declared, first, second = [], [], []
    for i in range(1 if work.jobs == 1 else ROUNDS):
        note(f"schedule: {work.label}, round {i + 1}")
        forget_results(folder)
        declared.append(duration(folder, "declared.json", work.jobs, len(work.waits)))
        if work.jobs in (1, 3):
            continue
        forget_results(folder)
        first.append(duration(folder, "served.json", work.jobs, len(work.waits)))
        second.append(duration(folder, "served.json", work.jobs, len(work.waits)))
    rows = [row(work.label, "declared", work.waits, work.best, work.slots, declared,
                work.document)]
    for known, times in (("no", first), ("from the run before", second)):
        if times:
            rows.append(row(work.label, known, work.waits, work.best, work.slots, times))
    return rows


def main():
    folder = fresh("schedule")
    waits = durations(CASES, 50, 500, SEED)
    heavy = durations(HEAVY, 200, 800, SEED)
    works = [Work(f"{CASES} cases, {jobs} job{'s' if jobs > 1 else ''}", waits, jobs,
                  max(sum(waits) / jobs, max(waits)), jobs, document)
             for jobs, document in ((1, ""), (3, "95 %"), (5, "84 %"), (50, ""))]
    works.append(Work(f"{HEAVY} heavy cases, {HEAVY_JOBS} jobs, a semaphore of {HEAVY_SLOTS}",
                      heavy, HEAVY_JOBS, best_on(HEAVY_SLOTS, heavy), HEAVY_SLOTS,
                      "52 % (of 5 workers)"))
    before, rows, port = load(), [], free_port()
    url = f"http://127.0.0.1:{port}"
    with served([WORKER, "--stub-mode", "--port", str(port)], url + "/health", folder):
        for work in works:
            rows += measure(folder, work, url)
    print("## Schedules\n")
    print(f"{CASES} cases of 50–500 ms, {sum(waits) / 1000:.2f} s in all, and {HEAVY} heavy ones "
          f"of 200–800 ms, {sum(heavy) / 1000:.2f} s; seed {SEED}, {ROUNDS} rounds (one with "
          f"1 job), median (range). Load average {before} before, {load()} after.\n")
    table(["", "durations known", "best possible, s", "the run, s", "speed-up",
           "% of the best possible", "% of total ÷ slots", "the document"], rows)


if __name__ == "__main__":
    main()
