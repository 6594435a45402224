#!/usr/bin/env python3
"""Does the search find the knee? `assay load --search rate` to its end, against ten services of known capacity
(slots.c: so many requests at once, each for the same time; requests come evenly, so all is well up to that
capacity and nothing beyond it). Three searches at a time; services on processor 0, assay on 1; where other work runs, put
`chrt -f 10` before the whole. SECONDS_EACH (3) is --duration.
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import common  # noqa: E402

SLOTS = os.path.join(common.BUILD, "bench", "load", "slots")
SECONDS = os.environ.get("SECONDS_EACH", "3")
# Microseconds of a request, and slots.
SERVICES = [(100000, 4), (50000, 4), (20000, 3), (20000, 5), (10000, 4), (10000, 7), (5000, 5), (4000, 6), (2000, 5),
            (1000, 4)]


def search(service):
    delay, slots = service
    bound = delay + 20000
    server = subprocess.Popen(["taskset", "-c", "0", SLOTS, str(delay), str(slots)], stdout=subprocess.PIPE, text=True)
    try:
        url = f"http://127.0.0.1:{server.stdout.readline().split()[1]}/"
        began = time.monotonic()
        done = subprocess.run(["taskset", "-c", "1", common.ASSAY, "load", "--store", "none", "--url", url, "--search", "rate",
                               "--arrivals", "constant", "--duration", SECONDS + "s", "--slo",
                               f"latency p99 < {bound / 1000:g}ms", "--json", "-"],
                              stdout=subprocess.PIPE, text=True, check=False)
        took = time.monotonic() - began
    finally:
        server.terminate()
        server.communicate()
    run = json.loads(done.stdout)
    answer, capacity = run["answer"], slots / delay * 1e6
    off = 100 * (answer["load"] / capacity - 1)
    invalid = sum(point["verdict"] == "INVALID" for point in run["points"])
    common.note(f"{capacity:g}: {answer}, {len(run['points'])} steps, {invalid} of them INVALID")
    return [f"{slots} × {delay / 1000:g} ms", f"{capacity:,.6g}", answer["state"], f"{answer['load']:,.5g}", f"{off:+.2f} %",
            f"{answer['low']:,.5g} to {answer['high']:,.5g}",
            "yes" if answer["low"] <= capacity <= answer["high"] else "no", len(run["points"]), f"{took:.0f} s"]


def main():
    load = common.load()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        rows = list(pool.map(search, SERVICES))
    print(f"load average before {load}, after {common.load()}\n")
    common.table(["service", "capacity, a second", "", "found", "off by", "interval", "holds it", "steps", "took"], rows)


if __name__ == "__main__":
    main()
