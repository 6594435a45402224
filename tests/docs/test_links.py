#!/usr/bin/env python3
"""What pages point to is there: files they link to, headings, and, in the walk of a case through the
code, functions. Run in the source folder; prints TAP."""

import os
import re
import subprocess
import sys

pages = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"]
for folder, _, files in os.walk("docs"):
    pages += [os.path.join(folder, file) for file in files if file.endswith(".md")]
failed = 0


def report(number, faults, name):
    for fault in faults:
        print("# " + fault)
    print(f"{'not ok' if faults else 'ok'} {number} - {name}")
    return bool(faults)


def read(page):
    with open(page, encoding="utf-8") as file:
        return file.read()


def anchors(page):
    """Headings as GitHub names them."""
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
            for heading in re.findall(r"^#+ +(.+)$", read(page), re.MULTILINE)}


faults = []
for page in sorted(pages):
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", read(page), flags=re.DOTALL)):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = os.path.normpath(os.path.join(os.path.dirname(page), path)) if path else page
        if not os.path.exists(target):
            faults.append(f"{page} links to {link}, which is not there")
        elif anchor and anchor not in anchors(target):
            faults.append(f"{page} links to {link}, and {target} has no such heading")
failed += report(1, faults, "every link leads somewhere")

walk = read("CONTRIBUTING.md").split("## One case, from text to verdict")[1]
words = {"http", "expect", "json", "status", "until", "needs", "save", "seen"}
faults = []
for name in sorted(set(re.findall(r"`([a-z]+(?:_[a-z]+)*)`", walk)) - words):
    found = subprocess.run(["grep", "-rqE", "--include=*.c", rf"^[a-z].*\b{name}\(", "lib", "src"],
                           check=False)
    if found.returncode != 0:
        faults.append(f"no function is called {name}")
failed += report(2, faults, "every function in the walk of a case is in the code")
print("1..2")
sys.exit(failed > 0)
