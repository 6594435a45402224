#!/usr/bin/env python3
"""Loads in the store: kept while they go on, without secrets, shown again, compared.

    test_store.py ASSAY ASSAY-WORKER

Prints TAP. How busy this machine is must not matter, so --lag always believes.
"""

import glob
import json
import os
import subprocess
import sys
import tempfile

ASSAY, WORKER = (os.path.abspath(path) for path in sys.argv[1:3])
SECRET = "sesame-4711-open"


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def assay(*words, status=0):
    done = subprocess.run([ASSAY, *words], text=True, capture_output=True, timeout=120, check=False)
    expect(done.returncode == status, f"{words}: status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout, done.stderr


def load(url, *options, **more):
    return assay("load", "--url", url, "--lag", "1h", "--duration", "200ms", "--quiet", *options, **more)[0]


def a_load_is_shown_again_as_it_ended(url):
    out = load(url + "/execute", "--max-tokens", "4", "-c", "2", "--slo", "errors < 1%", "--name", "some")
    again, _ = assay("report")
    expect(again.startswith("load some\n"), again)
    expect(again.endswith(out), f"{again}\nis not\n{out}")
    run = out.split()[-1]
    whole = json.loads(assay("report", run, "--report", "json=-")[0])
    expect(whole["run"] == run and whole["seconds"] and whole["objectives"][0]["holds"], whole)
    _, said = assay("run", "--resume", run, status=2)
    expect("is a load" in said, said)


def no_header_and_no_key_is_kept(url):
    load(url + "/health?api_key=" + SECRET, "--header", "X-Mine: " + SECRET, "-HX-Other: " + SECRET,
         "--header=X-Third: " + SECRET, "-c", "1")
    for path in glob.glob(".assay/*"):
        expect(SECRET.encode() not in open(path, "rb").read(), f"{path} has the secret")
    shown = assay("report")[0] + assay("store", "export")[0]
    expect(SECRET not in shown and "X-Mine" in shown, shown)


def a_load_that_is_killed_is_incomplete_and_keeps_its_seconds(url):
    process = subprocess.Popen([ASSAY, "load", "--url", url + "/health", "--lag", "1h", "-c", "1", "--duration",
                                "1h", "--name", "some"], text=True, stdout=subprocess.PIPE)
    while not process.stdout.readline().strip().startswith("1.0 s"):
        expect(process.poll() is None, "it ended")
    # The line of a second is shown when its row is in the store.
    process.kill()
    process.wait()
    out, _ = assay("report")
    expect("INCOMPLETE" in out and "   1.0 s" in out, out)
    out, _ = assay("compare", status=3)
    expect("is incomplete" in out and "nothing is concluded" in out, out)
    out, _ = assay("history", "some")
    expect("incomplete" in out, out)
    _, said = assay("store", "prune", "last", status=2)
    expect("may still be going on" in said, said)


def a_baseline_can_be_a_load(_):
    assay("baseline", "set", "best", "last~1")
    out, _ = assay("baseline", "list")
    expect(out.startswith("best  ") and "  load http" in out, out)
    assay("baseline", "remove", "best")


def nothing_is_kept_when_nobody_wants_it(url):
    before = assay("store", "info", "--json")[0]
    out = load(url + "/health", "-c", "1", "--store", "none")
    expect("\nrun 2" not in out, out)
    expect(json.loads(assay("store", "info", "--json")[0])["runs"] == json.loads(before)["runs"], "a run more")


def keep_lets_go_of_older_ones(url):
    load(url + "/health", "-c", "1", "--keep", "1")
    # The one that was killed may still be going on, for all the store knows.
    kept = json.loads(assay("store", "info", "--json")[0])["runs"]
    expect(kept == 2, f"{kept} runs")
    _, said = assay("load", "--url", url, "--keep", "some", status=2)
    expect("--keep some" in said, said)


TESTS = [a_load_is_shown_again_as_it_ended, no_header_and_no_key_is_kept,
         a_load_that_is_killed_is_incomplete_and_keeps_its_seconds, a_baseline_can_be_a_load, nothing_is_kept_when_nobody_wants_it,
         keep_lets_go_of_older_ones]


def main():
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        worker = subprocess.Popen([WORKER, "--stub-mode", "--port", "0"], text=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL)
        url = "http://127.0.0.1:" + worker.stdout.readline().rsplit(":", 1)[1].strip()
        for number, test in enumerate(TESTS, 1):
            name = test.__name__.replace("_", " ")
            try:
                test(url)
                print(f"ok {number} - {name}")
            except Failed as why:
                failed = True
                print(f"not ok {number} - {name}\n# " + str(why).replace("\n", "\n# "))
        worker.kill()
        worker.wait()
    print(f"1..{len(TESTS)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
