#!/usr/bin/env python3
"""Is a run called INVALID when it must not be believed, and only then?

    invalid.py [CLEAN-RUNS]     (50)

Requests that come by chance, 2,000 a second, and streams, 200 of 50 tokens a second each, of a service on
processor 0, with assay on processor 1. In clean runs nothing else is done to it. Then its processor is stolen: by a
process that spins there with the same priority, and with a higher one (`nice -n -20`). And it is stopped
(SIGSTOP) for 200 ms. Where other work runs, put `chrt -f 10` before the whole: clean runs must have a
processor. (Where it is to be stolen, assay is an ordinary process in any case.)
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import common  # noqa: E402

HERE = os.path.join(common.BUILD, "bench", "load")
SPIN = [sys.executable, "-c", "while True: pass"]
ORDINARY = ["chrt", "-o", "0"]
SECONDS = 3
LOADS = {
    "requests": ([os.path.join(HERE, "slots"), "1000", "0"], ["--rate", "2000"]),
    "streams": ([os.path.join(HERE, "pacer"), "25", "20000"], ["-c", "200"]),
}


@contextlib.contextmanager
def spinning(nice):
    spinner = subprocess.Popen(["taskset", "-c", "1", *ORDINARY, "nice", "-n", nice, *SPIN])
    try:
        yield
    finally:
        spinner.kill()
        spinner.wait()


def begin(kind, folder, before):
    server, words = LOADS[kind]
    service = subprocess.Popen(["taskset", "-c", "0", *server], stdout=subprocess.PIPE, text=True)
    url = f"http://127.0.0.1:{service.stdout.readline().split()[1]}/execute"
    method = [] if kind == "streams" else ["--api", "http"]
    assay = subprocess.Popen(["taskset", "-c", "1", *before, common.ASSAY, "load", "--store", "none", "--url", url, "--duration", f"{SECONDS}s",
                              "--quiet", "--json", os.path.join(folder, "run.json"), *method, *words],
                             stdout=subprocess.DEVNULL)
    return service, assay


def run(kind, before=(), meanwhile=None):
    """The results of a run with these words before it, during which `meanwhile(assay)` is done."""
    with tempfile.TemporaryDirectory() as folder:
        service, assay = begin(kind, folder, before)
        try:
            if meanwhile:
                meanwhile(assay)
            assay.wait(SECONDS + 60)
        finally:
            service.terminate()
            service.communicate()
        with open(os.path.join(folder, "run.json"), encoding="utf-8") as file:
            return json.load(file)


def stop(assay):
    time.sleep(SECONDS / 2)
    assay.send_signal(signal.SIGSTOP)
    time.sleep(0.2)
    assay.send_signal(signal.SIGCONT)


def worst(runs, kind, name, percentile):
    values = [r["metrics"][name][percentile] for r in runs if name in r["metrics"]]
    return f"{max(values) / 1e6:.3f} ms" if values else "–"


def row(what, kind, runs, must):
    invalid = [r for r in runs if r["verdict"] == "invalid"]
    for reason in sorted({text for r in invalid for text in r["reasons"]}):
        common.note(f"{what}, {kind}: {reason}")
    return [what, kind, f"{len(invalid)} of {len(runs)}", must] + [
        worst(runs, kind, name, p) for name in ("lateness", "client_lag") for p in ("p99", "max")]


def main():
    clean = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    rows, load = [], common.load()
    for kind in LOADS:
        rows.append(row("nothing else", kind, [run(kind) for _ in range(clean // 2)], "never"))
    for kind in LOADS:
        for nice, words in ("0", "the same priority"), ("-20", "a higher priority"):
            with spinning(nice):
                rows.append(row(f"a spinning process of {words}", kind, [run(kind, ORDINARY) for _ in range(5)], "always"))
        rows.append(row("stopped for 200 ms", kind, [run(kind, meanwhile=stop) for _ in range(5)], "always"))
    print(f"load average before {load}, after {common.load()}\n")
    common.table(["meanwhile", "load", "INVALID", "should be", "lateness: worst p99", "worst max",
                  "client_lag: worst p99", "worst max"], rows)


if __name__ == "__main__":
    main()
