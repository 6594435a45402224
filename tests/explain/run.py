#!/usr/bin/env python3
"""Real failures with known causes: is the cause that assay names the right one?

    run.py --path DIR… [--table PAGE] [--update] failures.json

Runs the suite with the programs in DIRs, reads the causes assay names from `--report summary-json`,
and compares them with the comments of the suite ("// known: NAME (what was done)"). Prints TAP: a
line per failure, and one for the share that is right, which must be 90 % at least. A failure whose
cause is named wrongly is listed and does not fail the test by itself.

With --table the table between the marks of PAGE must have these failures and causes; --update writes
it, with what was named then.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile

KNOWN = re.compile(r"^\s*// known: (\w+)(?: \((.*)\))?$")
CASE = re.compile(r'^\s*\{ "id": "([^"]*)"')
BEGIN, END = "<!-- corpus: begin -->", "<!-- corpus: end -->"
SHARE = 0.9
LEAST = 30


def read_known(path):
    """{id: (name, what was done)} of the suite, in its order."""
    known, told = {}, None
    with open(path, encoding="utf-8") as file:
        for line in file:
            if KNOWN.match(line):
                told = KNOWN.match(line).groups()
            elif CASE.match(line):
                if told is None:
                    sys.exit(f"{path}: nothing is known of case {CASE.match(line).group(1)!r}")
                known[CASE.match(line).group(1)] = told
                told = None
    return known


def says(kib, environment):
    """What the worker says with so much address space."""
    command = f"ulimit -v {kib}; exec timeout 0.5 assay-worker --stub-mode --threads 1 --port 0"
    done = subprocess.run(["sh", "-c", command], env=environment, text=True, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    return done.stdout


def address_space(environment):
    """KiB with which the worker begins and has little left, and with which it cannot begin."""
    low, high = 1000, 100000
    while high - low > 20:
        middle = (low + high) // 2
        if "listening" in says(middle, environment):
            high = middle
        else:
            low = middle
    for kib in range(low, max(low - 600, 1000), -20):
        if "out of memory" in says(kib, environment):
            return high + 500, kib
    return high + 500, low


def run_suite(suite, folder, environment):
    room, no_room = address_space(environment)
    report = os.path.join(folder, "summary.json")
    command = ["assay", "run", suite, "--quiet", "--jobs", "16", "--set", f"room={room}",
               "--set", f"no_room={no_room}", "--report", f"summary-json={report}"]
    done = subprocess.run(command, cwd=folder, env=environment, text=True, timeout=110,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    try:
        with open(report, encoding="utf-8") as file:
            return json.load(file), done
    except OSError:
        sys.exit(f"no report came: {done.stdout}")


def named(summary):
    """{id: (cause, strength)}; a failure without a cause has (None, None)."""
    found = {}
    for group in summary["failures"]["groups"]:
        top = group["causes"][0] if group["causes"] else {}
        for key in group["cases"]:
            found[key.split("/", 1)[1]] = (top.get("name"), top.get("evidence_strength"))
    return found


def table(known, found):
    lines = ["| failure | what was done | known cause | named | evidence |", "|---|---|---|---|---|"]
    for case, (cause, done) in known.items():
        name, strength = found.get(case, (None, None))
        shown = "right" if name == cause else f"**{name or 'nothing'}**"
        lines.append(f"| {case} | {done or ''} | `{cause}` | {shown} | {strength or ''} |")
    return "\n".join(lines) + "\n"


def corpus_of(text):
    """What a table says of the corpus: all but what was named, which may differ from run to run."""
    return [line.split("|")[1:4] for line in text.strip().split("\n")]


def check_table(page, text, update):
    """Is it of the same failures as the one in the page?"""
    with open(page, encoding="utf-8") as file:
        whole = file.read()
    before, rest = whole.split(BEGIN + "\n")
    old, after = rest.split(END)
    if update and old != text:
        with open(page, "w", encoding="utf-8") as file:
            file.write(before + BEGIN + "\n" + text + END + after)
    return update or corpus_of(old) == corpus_of(text)


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--path", action="append", default=[])
    options.add_argument("--table")
    options.add_argument("--update", action="store_true")
    options.add_argument("suite")
    o = options.parse_args()
    suite = os.path.abspath(o.suite)
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("ASSAY_", "MESON_", "MALLOC_"))}
    environment = kept | {"PATH": ":".join([os.path.abspath(p) for p in o.path] + ["/usr/bin", "/bin"]),
                          "LC_ALL": "C.UTF-8"}
    known = read_known(suite)
    with tempfile.TemporaryDirectory(prefix="assay-explain-") as folder:
        summary, done = run_suite(suite, folder, environment)
    found = named(summary)
    right = sum(found.get(case, (None,))[0] == cause for case, (cause, _) in known.items())
    share = right / len(known)

    print(f"1..{len(known) + 3}")
    for number, (case, (cause, _)) in enumerate(known.items(), 1):
        name = found.get(case, ("it did not fail",))[0]
        if name == cause:
            print(f"ok {number} - {case}: {cause}")
        else:
            print(f"ok {number} - {case}: WRONG, named {name} instead of {cause}")
    number = len(known)
    all_failed = all(case in found for case in known)
    print(f"{'ok' if all_failed else 'not ok'} {number + 1} - every case of the suite fails")
    if not all_failed:
        print("\n".join("# passed: " + case for case in known if case not in found))
    enough = share >= SHARE and len(known) >= LEAST
    print(f"{'ok' if enough else 'not ok'} {number + 2} - the cause named first is right for {right} of "
          f"{len(known)} ({100 * share:.0f} %)")
    same = not o.table or check_table(o.table, table(known, found), o.update)
    print(f"{'ok' if same else 'not ok'} {number + 3} - the table in {os.path.basename(o.table or 'no page')} is of this suite")
    if not same:
        print("\n".join("# " + line for line in table(known, found).split("\n")))
    if not (all_failed and enough):
        print("\n".join("# " + line for line in done.stdout.split("\n")[-40:]))
    sys.exit(0 if all_failed and enough and same else 1)


main()
