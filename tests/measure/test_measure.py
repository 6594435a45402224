#!/usr/bin/env python3
"""Services that are well and ill, measured in real runs.

Ill ones (a leak of 1 MB/s, a descriptor leak, a stuck request, a spinning thread) each are found in
one run of 20 s, and a well one beside them is not accused. Then runs of well services only: nothing
may be found. Prints TAP.

    test_measure.py --assay PROGRAM --worker PROGRAM --service PROGRAM [--runs N] [--seconds S]
"""
import argparse
import json
import os
import subprocess
import sys
import tempfile

parser = argparse.ArgumentParser()
parser.add_argument("--assay", required=True, type=os.path.abspath)
parser.add_argument("--worker", required=True, type=os.path.abspath)
parser.add_argument("--service", required=True, type=os.path.abspath)
parser.add_argument("--runs", type=int, default=2, help="runs of well services")
parser.add_argument("--seconds", type=float, default=2, help="how long each of them takes")
parser.add_argument("--only-well", action="store_true")
options = parser.parse_args()

ILL_SECONDS = 20
# What is planted, and what has to be found.
ILL = {"leak": ["memory"], "descriptors": ["descriptors"], "spin": ["cpu"], "stuck": ["stall"],
       "well": []}
PAUSE = 0.05
tests = 0


def say(passed, name, evidence=()):
    global tests
    tests += 1
    for line in evidence:
        print("#", line)
    print(f"{'ok' if passed else 'not ok'} {tests} - {name}", flush=True)
    return passed


def run(folder, suite, jobs):
    """The anomalies that a run of the suite found, by service, and its exit status."""
    path = os.path.join(folder, "suite.json")
    with open(path, "w") as file:
        json.dump(suite, file)
    done = subprocess.run(
        [options.assay, "run", path, "--store", "none", "--jobs", str(jobs), "--report",
         "jsonl=-"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return [e for e in events if e["event"] == "anomaly"], events, done.returncode


def calls(service, seconds, step):
    """Requests to a service, one after another, for so long."""
    return {"id": f"calls of {service}", "repeat": int(seconds / PAUSE),
            "steps": [{**step, "service": service}, {"wait": f"{int(PAUSE * 1000)}ms",
                      "expect": {"time": {"total": "<60s"}}}]}


GET = {"http": {"get": "/"}, "expect": {"status": 200, "memory": {"peak": "<1GB"}}}


def ill_services(folder):
    services = {name: {"command": [options.service, "${port}", name]} for name in ILL}
    # It has a core for itself on a busy machine, too, where we may ask for that.
    services["spin"]["command"][:0] = ["nice", "-n", "-15"]
    cases = [calls(name, ILL_SECONDS - 2, GET) for name in ILL if name != "stuck"]
    cases.append({"id": "stuck", "service": "stuck", "timeout": f"{ILL_SECONDS - 2}s",
                  "http": {"get": "/stuck"}, "expect": {"status": 200}})
    found, _, _ = run(folder, {"services": services, "cases": cases}, len(cases))
    for name, kinds in ILL.items():
        own = [a for a in found if a["subject"] == name]
        say([a["kind"] for a in own] == kinds,
            f"{name}: found {', '.join(kinds) or 'nothing'} in {ILL_SECONDS} s",
            [a["text"] for a in own])


def well_services(folder):
    accused = []
    for number in range(options.runs):
        services = {"plain": {"command": [options.service, "${port}", "well"]},
                    "worker": {"command": [options.worker, "--stub-mode", "--port", "${port}"]}}
        cases = [calls("plain", options.seconds, GET),
                 calls("worker", options.seconds,
                       {"execute": {"prompt": "one two three", "max_tokens": 8},
                        "expect": {"status": 200}})]
        found, events, status = run(folder, {"services": services, "cases": cases}, 2)
        if found or status != 0:
            accused.append(f"run {number + 1}, exit status {status}: " +
                           "; ".join(a["subject"] + ": " + a["text"] for a in found))
            accused += [e.get("reason", "") for e in events if e.get("status") not in
                        (None, "passed")]
    say(not accused, f"{options.runs} runs of well services, {options.seconds:g} s each: nothing"
        " is found", accused)


with tempfile.TemporaryDirectory(prefix="assay-measure-") as folder:
    if not options.only_well:
        ill_services(folder)
    well_services(folder)
print(f"1..{tests}")
