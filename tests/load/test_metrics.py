#!/usr/bin/env python3
"""assay load: what is measured, end to end. Runs are short, and how busy this machine is must not matter.

    test_metrics.py ASSAY ASSAY-WORKER

Prints TAP."""

import json
import os
import subprocess
import sys
import tempfile

ASSAY, WORKER = sys.argv[1:3]
BELIEVE = ["--lag", "1h"]
FOLDER = tempfile.TemporaryDirectory()


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def load(*options):
    """Exit status, output and the JSON."""
    path = os.path.join(FOLDER.name, "out.json")
    done = subprocess.run([ASSAY, "load", "--store", "none", "--json", path, *options], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
    with open(path, encoding="utf-8") as f:
        text = f.read()
    return done.returncode, done.stdout, json.loads(text) if text else None


def near(a, b):
    """The same but for the order in which threads are added up."""
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(near(a[k], b[k]) for k in a)
    if isinstance(a, float):
        return abs(a - b) <= 1e-9 * abs(a) + 1e-9
    return a == b


def a_log_of_events_gives_the_same_report_again(url):
    log = os.path.join(FOLDER.name, "events.jsonl")
    asked = ["--as", "aiperf", "--slo", "ttft p99 < 1h, errors < 1%", *BELIEVE]
    status, output, run = load("--url", url + "/execute", "--max-tokens", "8", "--rate", "100", "--threads", "2",
                               "--warmup", "200ms", "--duration", "500ms", "--events", log, *asked)
    expect(status == 0, output)
    status, output, again = load("--from-events", log, *asked)
    expect(status == 0, output)
    for name in run:
        if name != "seconds":  # the log does not make a row a second
            expect(near(run[name], again[name]), f"{name}: {run[name]} and then {again[name]}")
    expect(run["as"]["request_count"] == run["answered"], run["as"])


def a_threshold_can_end_the_run(url):
    status, output, run = load("--url", url + "/health", "--rate", "100", "--duration", "60s",
                               "--threshold", "errors: rate<0.01", "--abort", "latency: min<0.000001",
                               *BELIEVE)
    expect(status == 1 and run["stopped"] and run["measured_s"] < 30, output)
    expect(run["aborted_by"] == "latency: min<0.000001", run)
    expect("Ended early, because this did not hold: latency: min<0.000001" in output, output)
    expect([o["holds"] for o in run["objectives"]] == [True, False], run["objectives"])


def embeddings_and_inference_are_read(url):
    status, output, run = load("--url", url + "/v1/embeddings", "--model", "stub", "--prompt", "three small words",
                               "-c", "1", "--duration", "200ms", *BELIEVE)
    expect(status == 0 and not run["errors"], output)
    expect(run["metrics"]["results"]["max"] == 1 and run["metrics"]["input_tokens"]["min"] > 0, output)
    status, output, run = load("--url", url + "/v2/models/identity/infer", "-c", "1", "--duration", "200ms",
                               *BELIEVE)
    expect(status == 0 and run["metrics"]["results"]["max"] == 1, output)


def a_refusal_is_shown_with_its_words(url):
    status, output, run = load("--url", url + "/v1/chat/completions", "--model", "no-such-model", "--stream",
                               "-c", "1", "--duration", "200ms", *BELIEVE)
    expect(status == 3, output)
    expect(run["errors"]["status_4xx"]["example"].startswith("status 404: {"), run["errors"])
    expect("no-such-model" in output, output)


TESTS = [value for name, value in list(globals().items()) if callable(value) and name.count("_") > 2]


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    with FOLDER, subprocess.Popen([WORKER, "--stub-mode", "--port", "0"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL) as worker:
        url = "http://127.0.0.1:" + worker.stdout.readline().rsplit(":", 1)[1].strip()
        for number, test in enumerate(TESTS, 1):
            verdict = "ok"
            try:
                test(url)
            except (Failed, subprocess.SubprocessError, KeyError, TypeError, OSError) as fault:
                verdict = "not ok"
                failed += 1
                for line in f"{type(fault).__name__}: {fault}".splitlines():
                    print("#", line)
            print(f"{verdict} {number} - {test.__name__.replace('_', ' ')}", flush=True)
        worker.kill()
    sys.exit(failed > 0)


main()
