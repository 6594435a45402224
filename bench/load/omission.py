#!/usr/bin/env python3
"""Coordinated omission: a service that is stopped (SIGSTOP) for 2 s in a run of 20 s at 1,000 requests a
second, evenly spaced, and what assay load and other load generators make of it.

    omission.py [CLIENT…]       (wrk hey ab h2load autocannon by default)

The service (slots.c) answers each request after DELAY_MS (100), any number at once, on processor 0; the client is
on 1. Where other work runs, `chrt -f 10 bench/load/omission.py` goes before it. Two truths stand beside
what clients say. The analytic one is of requests that start every millisecond and a stop as long as it
really was: one that comes meanwhile is read when the service goes on, each so many microseconds after the
one before as the service needed in assay's run, and answered DELAY_MS later. And for assay, which sends all
of them, there is the service's own: when it really answered, by its clock, in the order in which requests
came, less the millisecond in which each should have started.
"""

import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
import peers  # noqa: E402
from peers import common  # noqa: E402

RATE, SECONDS, STOP = 1000, int(os.environ.get("SECONDS_EACH", "20")), 2.0
DELAY = float(os.environ.get("DELAY_MS", "100")) / 1000
SLOTS = os.path.join(common.BUILD, "bench", "load", "slots")
PERCENTS = (50, 90, 99)


def rank(ordered, percent):
    return ordered[max(0, math.ceil(percent / 100 * len(ordered)) - 1)]


def analytic(stop, each):
    """Percentiles, in seconds, of requests that start at 0, 1 ms, 2 ms, …"""
    stopped, waited, latencies = SECONDS * 0.4, 0, []
    went_on = stopped + stop
    for i in range(RATE * SECONDS):
        at = read = i / RATE
        if stopped <= at < went_on + waited * each:
            read = went_on + waited * each
            waited += 1
        due = read + DELAY
        latencies.append((went_on if stopped <= due < went_on else due) - at)
    latencies.sort()
    return [rank(latencies, p) for p in PERCENTS]


def served(log):
    """When requests were read and answered, in order, in seconds."""
    with open(log, "rb") as file:
        return sorted((read / 1e9, answered / 1e9) for read, answered in struct.iter_unpack("=qq", file.read()))


def by_the_service(times):
    """As `analytic`, of when the service answered."""
    # It began when the request that came with the least delay says it did.
    began = min(read - i / RATE for i, (read, _) in enumerate(times))
    latencies = sorted(answered - i / RATE - began for i, (_, answered) in enumerate(times))
    return [rank(latencies, p) for p in PERCENTS]


def time_of_each(times):
    """Seconds that each request took the service when it worked off those that had come while it was stopped."""
    first = max(range(1, len(times)), key=lambda i: times[i][0] - times[i - 1][0])
    last = first + round(STOP * RATE) - 1
    return (times[last][1] - DELAY - times[first][0]) / (last - first)


def stop_for_a_while(server):
    """Returns how long it was stopped: from when the kernel says so to when it was told to go on."""
    time.sleep(SECONDS * 0.4)
    os.kill(server.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, server.pid, os.WSTOPPED)
    began = time.monotonic()
    time.sleep(STOP)
    os.kill(server.pid, signal.SIGCONT)
    return time.monotonic() - began


def measure(name, folder):
    """How long the service was stopped, what it wrote down, percentiles and verdict of the client, load average."""
    log = os.path.join(folder, "served")
    server = subprocess.Popen(["taskset", "-c", "0", SLOTS, str(int(DELAY * 1e6)), "0", log],
                              stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().split()[1]}/"
        words = peers.CORE + peers.paced(name, url, SECONDS, RATE, folder)
        load = common.load()
        with open(os.path.join(folder, "out"), "w+", encoding="utf-8") as file:
            with subprocess.Popen(words, stdout=file, stderr=subprocess.STDOUT) as client:
                stop = stop_for_a_while(server)
                client.wait(SECONDS + 60)
            file.seek(0)
            out = file.read()
    finally:
        server.terminate()
        server.communicate()
    common.note(f"{name}: load average {load}, stopped for {stop:.4f} s")
    return stop, served(log), peers.percentiles(name, out, folder), peers.verdict(name, out), load


def cells(values, truth=None):
    if truth is None:
        return [f"{1000 * v:.1f} ms" for v in values]
    return [f"{1000 * v:.1f} ms ({100 * (v / t - 1):+.1f} %)" for v, t in zip(values, truth)]


def main():
    rows, each = [], 0
    for name in ["assay"] + (sys.argv[1:] or ["wrk", "hey", "ab", "h2load", "autocannon"]):
        with tempfile.TemporaryDirectory() as folder:
            stop, times, shown, verdict, load = measure(name, folder)
        if name == "assay":
            if len(times) != RATE * SECONDS:
                raise common.Failed(f"the service had {len(times)} requests of {RATE * SECONDS}")
            each = time_of_each(times)
            truth, own = analytic(stop, each), by_the_service(times)
            rows = [[f"analytic truth: a stop of {stop:.3f} s, then a request every {1e6 * each:.1f} µs",
                     *cells(truth), ""],
                    ["the service's clock", *cells(own, truth), ""],
                    [f"assay ({verdict}), beside the service's clock", *cells(shown, own), load]]
        rows.append([name, *cells(shown, analytic(stop, each)), load])
    common.table(["", "p50", "p90", "p99", "load average"], rows)


if __name__ == "__main__":
    main()
