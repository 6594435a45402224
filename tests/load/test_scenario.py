#!/usr/bin/env python3
"""Scenarios, cases as load, and load as a step: with the real worker.

    test_scenario.py ASSAY ASSAY-WORKER DOCS/EXAMPLES

Prints TAP. Nothing here looks at how quick anything is: --lag is an hour.
"""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor

ASSAY, WORKER, EXAMPLES = map(os.path.abspath, sys.argv[1:4])
os.environ["PATH"] = os.path.dirname(WORKER) + os.pathsep + os.environ["PATH"]


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def assay(*arguments, folder=None, **environment):
    done = subprocess.run([ASSAY, *arguments], cwd=folder, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, env={**os.environ, **environment})
    return done.returncode, done.stdout


def load(folder, *arguments, **environment):
    return assay("load", "--lag", "1h", "--store", "none", "-q", *arguments, folder=folder,
                 **environment)


def write(folder, name, text):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write(text)
    return name


SERVICE = """
services:
  worker:
    command: [assay-worker, --stub-mode, --port, "${port}"]
    ready: { http: /health }
"""


def example_scenario(folder):
    status, text = load(EXAMPLES, "haiku-load.yaml", "--duration", "150ms", "--warmup", "10ms",
                        "--drain", "20s")
    expect(status == 0, text)
    expect(re.findall(r"^(?:steady|a rush|patient users)$", text, re.M) ==
           ["steady", "a rush", "patient users"], f"three loads in order: {text}")
    expect(text.count("holds  errors: rate<0.01") == 3, f"objectives of all: {text}")
    expect("holds  metrics latency p50" in text, f"what is expected of the last: {text}")


def example_suite(folder):
    status, text = assay("run", "haiku.yaml", "--store", "none", folder=EXAMPLES)
    expect(status == 0 and "4 passed" in text, text)
    status, text = load(EXAMPLES, "--suite", "haiku.yaml", "--check", "all", "--rate", "100",
                        "--duration", "200ms", "--slo", "checks >= 100%")
    expect(status == 0 and "holds  checks >= 100%: 100 %" in text, text)
    expect("left out: the service tells who it is, and goes on: it has 2 steps" in text, text)
    status, text = load(EXAMPLES, "--suite", "haiku.yaml", "--check", "all", "--rate", "100",
                        "--duration", "200ms", "--set", "fault=?fault=duplicate,at=3")
    expect(status == 1 and "FAILS  checks >= 100%" in text, text)
    expect("a haiku [about=the sea]: tokens count: expected the number of tokens to equal 16, "
           "got 17" in text or "a haiku [about=the wind]: tokens count" in text, text)


def options_win(folder):
    write(folder, "s.yaml", SERVICE + "url: /health\nrate: 20\narrivals: constant\n"
          "duration: 200ms\n")
    status, text = load(folder, "s.yaml", "--concurrency", "2", "--json", "out.json")
    plan = json.load(open(os.path.join(folder, "out.json")))["plan"]
    expect(status == 0 and plan["concurrency"] == 2 and "stages" not in plan, f"{text}{plan}")
    status, text = load(folder, "s.yaml", "--rate", "40", "--json", "out.json")
    plan = json.load(open(os.path.join(folder, "out.json")))["plan"]
    expect(plan["arrivals"] == "constant" and plan["stages"][0]["from"] == 40, plan)


def compared(folder):
    write(folder, "s.yaml", SERVICE + "url: /health\nduration: 400ms\nlag: 1h\n")
    for _ in range(2):
        status, text = assay("load", "s.yaml", "-q", folder=folder)
        expect(status == 0, text)
    _, text = assay("compare", folder=folder)
    expect(text.count("s/load") == 2 and "latency p50" in text, text)
    expect("not alike" not in text, f"another port is no other load: {text}")


def secrets_are_hidden(folder):
    write(folder, "s.yaml", SERVICE + "vars: { key: { env: LOAD_KEY, secret: true } }\n"
          "url: /health?key=${key}\nheaders: { X-Key: \"${key}\" }\nduration: 400ms\n")
    status, text = load(folder, "s.yaml", "--json", "out.json", LOAD_KEY="s3cr3t-value")
    written = open(os.path.join(folder, "out.json")).read()
    expect(status == 0, text)
    expect("s3cr3t-value" not in text + written, text + written)


class Echo(http.server.BaseHTTPRequestHandler):
    """Refuses, and says what it refuses."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        said = f"no such key: {self.headers['X-Key']}".encode()
        self.send_response(401)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


def secrets_that_a_service_repeats_are_hidden(folder):
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Echo) as service:
        threading.Thread(target=service.serve_forever, daemon=True).start()
        write(folder, "s.yaml", f"url: http://127.0.0.1:{service.server_port}/\n"
              "vars: { key: { env: LOAD_KEY, secret: true } }\n"
              "headers: { X-Key: \"${key}\" }\nduration: 400ms\n")
        status, text = load(folder, "s.yaml", "--json", "out.json", "--events", "events", LOAD_KEY="s3cr3t-value")
        service.shutdown()
    written = "".join(open(os.path.join(folder, name)).read() for name in ("out.json", "events"))
    expect(status == 3 and "no such key: [secret]" in written, text)
    expect("s3cr3t-value" not in text + written, text + written)


def cases_are_checked_by_sample(folder):
    write(folder, "c.yaml", SERVICE + """
cases:
  - id: right
    http: { get: /health }
    expect: { status: 200 }
  - id: wrong
    http: { get: /health }
    expect: { status: 200, json: { $.status: never } }
""")
    def counts(share, ends, *more):
        status, text = load(folder, "--suite", "c.yaml", "--check", share, "--rate", "2000",
                            "--arrivals", "constant", "--duration", "250ms", "--json", "out.json",
                            *more)
        expect(status == ends, text)
        out = json.load(open(os.path.join(folder, "out.json")))
        found = re.search(r"(\d+) answers were checked, (\d+) as", text)
        return out, [int(n) for n in found.groups()] if found else [0, 0]
    out, (checked, good) = counts("all", 1)
    expect(checked == 500 and good == 250, f"all are checked: {checked} {good}")
    expect(out["errors"]["check"]["count"] == 250, out["errors"])
    expect("wrong: json $.status: expected" in out["errors"]["check"]["example"], out["errors"])
    out, (checked, good) = counts("10%", 0, "--slo", "checks > 1%")
    expect(15 < checked < 120, f"some are checked: {checked}")
    out, (checked, good) = counts("none", 0)
    expect(checked == 0 and not out["errors"], f"none is: {checked}")


def every_kind_of_request(folder):
    write(folder, "k.yaml", SERVICE + """
cases:
  - id: streamed
    chat: { model: stub, question: "Say hi ${n}", stream: true, max_tokens: 8 }
    given: { n: { int: [1, 50] } }
    examples: 5
    expect: { status: 200, text: { matches: "." }, tokens: { count: ">=1" } }
  - id: whole
    chat: { model: stub, question: Say hi, max_tokens: 8 }
    expect: { status: 200, text: { matches: "." } }
  - id: completed
    complete: { model: stub, prompt: Say hi, max_tokens: 8 }
    expect: { status: 200, text: { matches: "." } }
  - id: embedded
    embed: { model: stub, input: [a, b] }
    expect: { status: 200, tensor: { finite: true } }
  - id: inferred
    infer: { model: linear, inputs: { x: { data: [[1, 2, 3]] } } }
    expect: { status: 200, tensor: { finite: true } }
  - id: executed
    execute: { prompt: Say hi, max_tokens: 8 }
    expect: { events: started (token | metrics)* end, time: { ttft: <60s } }
""")
    status, text = assay("run", "k.yaml", "--store", "none", folder=folder)
    expect(status == 0, text)
    status, text = load(folder, "--suite", "k.yaml", "--check", "all", "--rate", "200",
                        "--arrivals", "constant", "--duration", "200ms", "--slo",
                        "checks >= 100%, errors <= 0%")
    expect(status == 0 and "40 answers were checked, 40 as expected" in text, text)


def a_step(folder):
    write(folder, "s.yaml", SERVICE + """
cases:
  - id: holds
    load: { url: /health, rate: 50, duration: 150ms, lag: 1h, slo: [errors < 1%] }
    expect: { metrics: { errors: <1%, rate: ">10", latency: { p99: <60s } } }
  - id: its figures are used
    steps:
      - load: { url: /health, rate: 50, duration: 150ms, lag: 1h }
        save: { p99: $.metrics.latency.p99 }
      - exec: { command: [echo, "${p99}"] }
        expect: { stdout: { matches: "^[0-9]+" } }
  - id: an objective that fails
    load: { url: /health, rate: 50, duration: 150ms, lag: 1h, slo: latency p50 < 1ns }
  - id: a threshold that ends the load
    load:
      url: /health
      rate: 50
      duration: 10m
      lag: 1h
      thresholds: { latency: [{ threshold: med<0.000001, abortOnFail: true }] }
  - id: a metric that fails
    load: { url: /health, rate: 50, duration: 150ms, lag: 1h }
    expect: { metrics: { latency: { p50: <1ns } } }
  - id: nothing answers
    load: { url: "http://127.0.0.1:1/", duration: 150ms }
  - id: not to be believed
    load: { url: /health, rate: 50, duration: 150ms, lag: 1ns }
  - id: its time is up
    timeout: 400ms
    load: { url: /health, rate: 50, duration: 60s, lag: 1h }
""")
    status, text = assay("run", "s.yaml", "--store", "none", "-j", "4", folder=folder)
    expect(status == 1, text)
    expect("2 passed, 4 failed, 2 errors" in text, text)
    expect("the objective latency p50 < 1ns does not hold" in text, text)
    expect("expected metrics latency p50 to be less than 1 ns" in text, text)
    expect("cannot be reached" in text and "the load is INVALID" in text, text)
    expect("its time is up" in text and "400 ms" in text, text)


def interrupted(folder):
    write(folder, "s.yaml", SERVICE + """
cases:
  - id: long
    timeout: 10m
    load: { url: /health, rate: 50, duration: 5m, lag: 1h }
""")
    run = subprocess.Popen([ASSAY, "run", "s.yaml", "--store", "none", "-v"], cwd=folder,
                           text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = []
    for line in run.stdout:  # the service is ready: the load begins
        lines.append(line)
        if "ready" in line:
            break
    run.send_signal(signal.SIGINT)
    rest, _ = run.communicate(timeout=30)
    expect(run.returncode == 130, "".join(lines) + rest)


def same_names(folder):
    """Every option of `assay load` is a key of a scenario, but for what is not of the load."""
    help_text = assay("load", "--help")[1]
    options = set(re.findall(r"^\s+(?:-\w, )?--([a-z][a-z0-9-]*)", help_text, re.M))
    schema = json.loads(assay("schema", "--scenario")[1])
    text = json.dumps(schema)
    keys = set()
    def look(node):
        if isinstance(node, dict):
            if "url" in node.get("properties", {}) and "rate" in node["properties"]:
                keys.update(node["properties"])
            for value in node.values():
                look(value)
        elif isinstance(node, list):
            for value in node:
                look(value)
    look(schema)
    expect(keys, text[:200])
    own = {"json", "report", "quiet", "help", "color", "store", "set", "only", "events", "as",
           "from-events", "print-schedule", "keep", "name", "header", "threshold", "abort"}
    missing = {o for o in options - own if o.replace("-", "_") not in keys}
    expect(not missing, f"options without a key: {sorted(missing)}")
    expect({"headers", "thresholds"} <= keys, "two have another number")


TESTS = [
    ("the scenario of the examples holds, load after load", example_scenario),
    ("the suite of the examples is a check, a unit of load and a subject of faults", example_suite),
    ("an option wins over the file, and displaces what it excludes", options_win),
    ("a load of a scenario is compared with the one before", compared),
    ("a secret is not shown", secrets_are_hidden),
    ("a secret that a service repeats is not shown", secrets_that_a_service_repeats_are_hidden),
    ("checks are made of all answers, some or none", cases_are_checked_by_sample),
    ("cases of every kind of request are asked and checked", every_kind_of_request),
    ("a load is a step of a case", a_step),
    ("Ctrl-C ends a load that is a step", interrupted),
    ("options and keys have the same names", same_names),
]


def run(test):
    """What went wrong; None: nothing."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            test(folder)
            return None
        except (Failed, subprocess.TimeoutExpired, KeyError, OSError, AttributeError) as e:
            return str(e) or type(e).__name__


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    with ThreadPoolExecutor(max_workers=4) as pool:  # they mostly wait
        for i, fault in enumerate(pool.map(run, [test for _, test in TESTS])):
            print(f"{'not ok' if fault else 'ok'} {i + 1} - {TESTS[i][0]}")
            failed += fault is not None
            if fault:
                print("\n".join(f"# {line}" for line in fault.splitlines()), flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
