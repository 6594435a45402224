#!/usr/bin/env python3
"""Turn meson's testlog.json into TAP, one line per test case, for tools/check.sh to count.

    tools/testlog.py LABEL build/meson-logs/testlog.json

A program that prints TAP gives its own lines; one that only exits gives one line. A program that
ended badly without saying `not ok` itself (a crash, a sanitizer's report, a timeout) gives one
failure more, so that nothing is lost.
"""

import json
import re
import sys

TAP_LINE = re.compile(r"(not )?ok\b\s*\d*\s*-?\s*(.*)")


def tap_of(test):
    """The TAP lines of one test program, as (verdict, name)."""
    found = []
    for line in (test.get("stdout") or "").splitlines():
        match = TAP_LINE.fullmatch(line.strip())
        if not match:
            continue
        failed, name = match.groups()
        if "# SKIP" in name.upper():  # cmocka prints `not ok 1 # SKIP name`
            at = name.upper().index("# SKIP")
            before, after = name[:at].strip(), name[at + len("# SKIP"):].strip()
            found.append(("skip", f"{before} {after}".strip()))
        else:
            found.append(("not ok" if failed else "ok", name))

    result = test["result"]
    if result in ("OK", "EXPECTEDFAIL"):
        return found or [("ok", "ran")]
    if result == "SKIP":
        return found or [("skip", "ran")]
    # Meson takes cmocka's `not ok … # SKIP` for a failure; the program itself ended well then.
    only_skips = test.get("returncode") == 0 and any(verdict == "skip" for verdict, _ in found)
    if not only_skips and not any(verdict == "not ok" for verdict, _ in found):
        found.append(("not ok", f"ended with {result} (exit status {test.get('returncode')})"))
    return found


def main():
    """Prints TAP; the exit status is 1 when a test failed."""
    label, path = sys.argv[1:]
    failed = False
    with open(path, encoding="utf-8", errors="replace") as log:
        for line in log:
            test = json.loads(line)
            program = test["name"].rsplit(" / ", 1)[-1].rsplit(":", 1)[-1].strip()
            for verdict, name in tap_of(test):
                skipped = " # SKIP" if verdict == "skip" else ""
                failed = failed or verdict == "not ok"
                verdict = "ok" if verdict == "skip" else verdict
                print(f"{verdict} - {label}: {program}: {name.replace('_', ' ')}{skipped}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
