#!/usr/bin/env python3
"""The page that says which case holds which rule of the wire: every case it names is in the plan of
suites/worker, every function it names is in a test, and every case of the suites is named. Run in the
source folder, with assay on the path; prints TAP."""

import json
import re
import subprocess
import sys

PAGE = "docs/worker-coverage.md"
failed = 0


def report(number, faults, name):
    for fault in faults:
        print("# " + fault)
    print(f"{'not ok' if faults else 'ok'} {number} - {name}")
    return bool(faults)


with open(PAGE, encoding="utf-8") as page:
    rows = [line for line in page if line.startswith("| ")]
named = {pair for row in rows for pair in re.findall(r"`([\w.-]+): ([^`]+)`", row)}
cases = {(suite, what) for suite, what in named if not suite.endswith(".c")}
functions = named - cases

plan = json.loads(subprocess.run(["assay", "plan", "suites/worker", "--json"], check=True,
                                 capture_output=True, text=True).stdout)
planned = {(case["suite"].removeprefix("worker/"), re.sub(r" \[[^\]]*=.*\]$", "", case["id"]))
           for case in plan["cases"]}

failed += report(1, [f"{PAGE} names {suite}: {what}, which is no case of suites/worker"
                     for suite, what in sorted(cases - planned)], "every case named exists")

faults = []
for where, what in sorted(functions):
    found = subprocess.run(["grep", "-rqw", f"--include={where}", what, "tests"], check=False)
    if found.returncode != 0:
        faults.append(f"{PAGE} names {what}, which is not in {where}")
failed += report(2, faults, "every test in C named exists")

faults = [f"this line names no case and gives no reason: {row.strip()}" for row in rows
          if not re.search(r"`[\w.-]+: |None: |\(#|the same|\| held by|\| here", row)]
failed += report(3, faults, "every row has a case, or says why there is none")
failed += report(4, [f"{suite}: {what} is in no row of {PAGE}" for suite, what in sorted(planned - cases)],
                 "every case of suites/worker is in a row")
print("1..4")
sys.exit(failed > 0)
