#!/usr/bin/env python3
"""The reports of a load: what they say is what happened, and all of them say the same.

    test_reports.py ASSAY ASSAY-WORKER DOCS/LOAD-REPORTS.MD

Prints TAP. HdrHistogram's encoding is read here by a decoder of our own; test_hdr.sh has others
read it.
"""

import base64
import csv
import json
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import zlib

ASSAY, WORKER, PAGE = map(os.path.abspath, sys.argv[1:4])
TIMES = ("latency", "ttft", "itl")


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def load(folder, *options):
    done = subprocess.run([ASSAY, "load", "--lag", "1h", *options], cwd=folder, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    return done.returncode, done.stdout


def varints(data):
    """ZigZag LEB128-64b9B."""
    at = 0
    while at < len(data):
        value = 0
        for i in range(9):
            byte = data[at]
            at += 1
            value |= (byte if i == 8 else byte & 127) << 7 * i
            if i == 8 or byte < 128:
                break
        yield (value >> 1) ^ -(value & 1)


def counts(text):
    """{index: count} of a compressed histogram."""
    packed = base64.b64decode(text, validate=True)
    cookie, size = struct.unpack(">II", packed[:8])
    expect(cookie == 0x1C849314 and size == len(packed) - 8, "the compressed header")
    plain = zlib.decompress(packed[8:])
    cookie, size, offset, digits, lowest, highest, ratio = struct.unpack(">IIIIqqd", plain[:40])
    expect((cookie, offset, digits, lowest, ratio) == (0x1C849313, 0, 2, 1, 1.0) and
           size == len(plain) - 40 and highest >= 86400e9, "the header of the encoding")
    out, at = {}, 0
    for value in varints(plain[40:]):
        if value < 0:
            at -= value
        else:
            out[at] = out.get(at, 0) + value
            at += 1
    return {index: count for index, count in out.items() if count}


def middle(index):
    """Of the values of a step: HdrHistogram's layout for two digits."""
    if index < 256:
        return index
    shift = (index - 256) // 128 + 1
    return ((128 + index % 128) << shift) + (1 << shift) / 2


def percentile(steps, percent):
    rank = percent / 100 * sum(steps.values())
    seen = 0
    for index in sorted(steps):
        seen += steps[index]
        if seen >= rank - 1e-9:
            return middle(index)
    return 0


class Run:
    """One run with every report; looked at by all tests."""

    def __init__(self, folder, url):
        self.folder, self.url = folder, url
        self.status, self.output = load(
            folder, "--store", "none", "--url", url + "/execute", "--max-tokens", "8", "--rate", "100", "--duration",
            "1s", "--warmup", "1s", "--seed", "1", "--report", "csv", "--report", "hdr=log",
            "--report", "json=same.json", "--json", "all.json")
        expect(self.status == 0, self.output)
        self.json = json.load(open(folder + "/all.json", encoding="utf-8"))
        self.rows = list(csv.DictReader(open(folder + "/load-report.csv", encoding="utf-8")))
        self.log = open(folder + "/log", encoding="utf-8").read().splitlines()


def rows_add_up_to_the_run(run):
    seconds = run.json["seconds"]
    total = sum(row["started"] for row in seconds)
    expect(total == sum(row["answers"] + row["errors"] for row in seconds), seconds)
    expect(seconds[-1]["in_flight"] == 0, seconds)
    for row in seconds:
        expect(0 < row["lag_mean_ns"] <= row["lag_max_ns"], row)
        expect(0 < row["latency_p50_ns"] <= row["latency_max_ns"] if not row["warmup"] else
               "latency_p50_ns" not in row, row)
    expect(max(row["lag_max_ns"] for row in seconds) >= run.json["metrics"]["client_lag"]["max"], seconds)
    expect(max(row["lateness_max_ns"] for row in seconds) >= run.json["metrics"]["lateness"]["max"], seconds)
    warm = sum(row["started"] for row in seconds if row["warmup"])
    expect(total - warm <= run.json["requests"] <= total, f"{total} {warm} {run.json['requests']}")
    expect(abs(sum(row["offered"] for row in seconds) - 200) < 1e-6, seconds)


def csv_and_json_are_the_same_rows(run):
    seconds = run.json["seconds"]
    expect(len(seconds) == len(run.rows) >= 2, run.rows)
    for row, text in zip(seconds, run.rows):
        for name, value in text.items():
            if name.startswith("error_"):
                expect(value == "0", name)
            elif value == "":
                expect(name not in row, name)
            else:
                expect(abs(float(value) - row[name]) <= 0.0501 * (name in ("offered", "at_s", "span_s")),
                       f"{name}: {value} {row[name]}")


def both_ways_to_ask_for_json_write_the_same(run):
    expect(json.load(open(run.folder + "/same.json", encoding="utf-8")) == run.json, "they differ")


def the_log_has_the_histograms_of_the_run(run):
    expect(run.log[1] == "#[Histogram log format version 1.3]", run.log[1])
    expect(run.log[2].startswith("#[StartTime: "), run.log[2])
    sums = {name: {} for name in TIMES}
    before = 0.0
    for line in run.log[4:]:
        fields = line.split(",")
        name = fields.pop(0).removeprefix("Tag=") if line.startswith("Tag=") else "latency"
        start, span, most = map(float, fields[:3])
        expect(start >= before and span > 0, line)
        before = start
        steps = counts(fields[3])
        expect(abs(middle(max(steps)) / 1e6 - most) <= 0.004 * most + 0.001, line)
        for index, count in steps.items():
            sums[name][index] = sums[name].get(index, 0) + count
    for name in TIMES:
        metric = run.json["metrics"][name]
        expect(sums[name] == counts(metric["histogram"]), name)
        expect(sum(sums[name].values()) == metric["count"], name)
        for percent in (50, 90, 99, 99.9):
            ours = metric[f"p{percent}"]
            expect(abs(percentile(sums[name], percent) - ours) <= 0.008 * ours,
                   f"{name} p{percent}: {percentile(sums[name], percent)} {ours}")


def nothing_is_left_beside_the_reports(run):
    expect(sorted(os.listdir(run.folder)) == ["all.json", "load-report.csv", "log", "same.json"],
           os.listdir(run.folder))


def the_page_tells_every_name(run):
    page = open(PAGE, encoding="utf-8").read()
    names = set(run.rows[0]) | set(run.json) | set(run.json["metrics"]["latency"])
    names = {name for name in names if not re.match("error_|p[0-9]", name)}
    missing = [name for name in names if f"`{name}`" not in page]
    expect(not missing, missing)


def on_terminal(url, *options):
    """What `assay load` writes to a terminal, and what is left to be seen in the end."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([ASSAY, "load", "--url", url + "/execute", "--max-tokens", "4", "--lag", "1h",
                                "--store", "none", *options], stdout=theirs, stderr=theirs, stdin=theirs,
                               env=dict(os.environ, TERM="xterm"))
    os.close(theirs)
    written = b""
    try:
        while piece := os.read(ours, 65536):
            written += piece
    except OSError:  # the other side is closed
        pass
    os.close(ours)
    expect(process.wait(timeout=60) == 0, written)
    text = written.decode("utf-8").replace("\r\n", "\n")
    screen = [""]
    for part in re.split("(\x1b\\[[0-9]*A\r\x1b\\[J)", text):
        up = re.match("\x1b\\[([0-9]*)A", part)
        if up:
            del screen[len(screen) - 1 - int(up[1]):]
            screen.append("")
            continue
        lines = part.split("\n")
        screen[-1] += lines[0]
        screen += lines[1:]
    return text, screen


def a_terminal_shows_a_distribution_that_leaves_no_trace(run):
    text, screen = on_terminal(run.url, "--rate", "100", "--duration", "1s")
    expect("█" in text and "so far" in text and "━" in text, text)
    expect(not any("█" in line or "so far" in line for line in screen), screen)
    expect(sum(line.startswith("   1.0 s") for line in screen) == 1, screen)
    expect("valid" in re.sub("\x1b\\[[0-9;]*m", "", screen[-2]), screen)
    expect("\x1b" not in run.output and "█" not in run.output, run.output)


def a_sweep_on_a_terminal_says_how_far_it_is(run):
    text, screen = on_terminal(run.url, "--sweep", "50..100/2", "--duration", "1s")
    expect("step 2: 100 requests/s" in text, text)
    expect(not any(line.startswith("step") for line in screen), screen)
    expect(sum(" 1.00 s " in line for line in screen) == 2, screen)


def quiet_says_only_what_came_of_it(run):
    for what in (["--rate", "100"], ["--sweep", "concurrency:1..4/3"]):
        text, _ = on_terminal(run.url, "--duration", "200ms", "--quiet", *what)
        expect("█" not in text and "step" not in text and "in flight" not in text, text)
        expect(what[0] == "--rate" or len(text.splitlines()) == 1, text)


TESTS = [rows_add_up_to_the_run, csv_and_json_are_the_same_rows,
         both_ways_to_ask_for_json_write_the_same, the_log_has_the_histograms_of_the_run,
         nothing_is_left_beside_the_reports, the_page_tells_every_name,
         a_terminal_shows_a_distribution_that_leaves_no_trace,
         a_sweep_on_a_terminal_says_how_far_it_is, quiet_says_only_what_came_of_it]


def main():
    worker = subprocess.Popen([WORKER, "--stub-mode", "--delay-ms", "2", "--port", "0"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    failed = 0
    try:
        url = "http://127.0.0.1:" + worker.stdout.readline().rsplit(":", 1)[1].strip()
        with tempfile.TemporaryDirectory() as folder:
            run = Run(folder, url)
            for number, test in enumerate(TESTS, 1):
                name = test.__name__.replace("_", " ")
                try:
                    test(run)
                    print(f"ok {number} - {name}")
                except Exception as error:  # pylint: disable=broad-except
                    failed += 1
                    print(f"not ok {number} - {name}")
                    print("\n".join("# " + line for line in repr(error).split("\\n")))
    finally:
        worker.kill()
        worker.wait()
    print(f"1..{len(TESTS)}")
    return failed > 0


sys.exit(main())
