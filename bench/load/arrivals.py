#!/usr/bin/python3
"""Do requests really come as the process says? assay load sends schedules of each to a service (slots.c) that
writes down when it read each request; gaps between those times, stretched back by the profile of the rate, are
tested against the distribution that the process is called after (Kolmogorov and Smirnov; gaps below a tenth of the
mean are left out, of both, as lateness changes them), and each time is
compared with the one that was intended, which schedule_lines.c prints for the same seed.

    arrivals.py        (the service on processor 0, assay on 1; where other work runs, chrt -f 10 before it)

The build folder must have been configured with -Dtests=true.
tests/unit/load/against_scipy.py does the same with schedules that are only drawn, of many seeds.
"""

import os
import struct
import subprocess
import sys
import tempfile

import numpy
from scipy import stats

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import common  # noqa: E402

SLOTS = os.path.join(common.BUILD, "bench", "load", "slots")
LINES = os.path.join(common.BUILD, "tests", "unit", "load", "schedule_lines")
SECONDS, SEED = 20, 20261121
LEAST_GAP = 0.1  # of a mean gap, half a millisecond: what is shorter is changed by being late
PROFILES = {"200/s": ("200", [(SECONDS, 200, 200)]), "a ramp, 50 to 350/s": ("50..350", [(SECONDS, 50, 350)]),
            "steps, 100, 200, 300/s": ("100,200,300", [(SECONDS / 3, r, r) for r in (100, 200, 300)])}
PROCESSES = {"constant": None, "poisson": stats.expon(), "gamma:0.5": stats.gamma(0.5, scale=2),
             "gamma:4": stats.gamma(4, scale=0.25)}


def intended(process, stages):
    kind, _, shape = process.partition(":")
    words = [str(x) for stage in stages for x in stage]
    out = subprocess.run([LINES, kind, shape or "1", str(SEED), *words], stdout=subprocess.PIPE, check=True)
    return numpy.array([int(line) for line in out.stdout.split()]) / 1e9


def seen(process, rate, folder):
    log = os.path.join(folder, "log")
    service = subprocess.Popen(["taskset", "-c", "0", SLOTS, "0", "0", log], stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{service.stdout.readline().split()[1]}/"
        subprocess.run(["taskset", "-c", "1", common.ASSAY, "load", "--store", "none", "--url", url, "--rate", rate, "--arrivals", process,
                        "--duration", f"{SECONDS}s", "--seed", str(SEED), "--quiet"], stdout=subprocess.DEVNULL, check=False)
    finally:
        service.terminate()
        service.communicate()
    with open(log, "rb") as file:
        return numpy.array(sorted(read for read, _ in struct.iter_unpack("=qq", file.read()))) / 1e9


def mean_arrivals(times, stages):
    """How many arrivals the profile has until each time, on average."""
    total, began = numpy.zeros(len(times)), 0.0
    for duration, first, last in stages:
        t = numpy.clip(times - began, 0, duration)
        total += first * t + (last - first) / (2 * duration) * t * t
        began += duration
    return total


def row(process, name, rate, stages):
    load, plan = common.load(), intended(process, stages)
    with tempfile.TemporaryDirectory() as folder:
        came = seen(process, rate, folder)
    if len(came) != len(plan):
        raise common.Failed(f"{process}, {name}: {len(came)} requests came, and {len(plan)} should have")
    came -= (came - plan).min()  # it began when the request that came with the least delay says it did
    late = numpy.sort(came - plan)
    gaps = numpy.diff(mean_arrivals(came, stages))
    if PROCESSES[process]:
        cdf = PROCESSES[process].cdf
        below, long = cdf(LEAST_GAP), gaps[gaps > LEAST_GAP]
        test = stats.kstest(long, lambda x: (cdf(x) - below) / (1 - below))
        verdict = f"D {test.statistic:.4f}, p {test.pvalue:.2g}"
    else:
        verdict = f"gaps {gaps.min():.4f} to {gaps.max():.4f} of the mean, 99 % within {numpy.quantile(abs(gaps - 1), 0.99):.4f}"
    return [process, name, len(came), verdict, *(f"{1e6 * common.percentile(late, q):.0f} µs" for q in (0.5, 0.99, 1)), load]


def main():
    rows = [row(process, name, *profile) for process in PROCESSES for name, profile in PROFILES.items()]
    common.table(["process", "rate", "requests", "gaps as they came", "came late: p50", "p99", "max", "load average"], rows)


if __name__ == "__main__":
    main()
