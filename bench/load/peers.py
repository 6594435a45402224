#!/usr/bin/env python3
"""Other load generators beside assay load, each asked for the same thing in its own words.

    peers.py closed NAME URL SECONDS CONNECTIONS    prints NAME REQUESTS PROCESSOR-SECONDS

Processor seconds are those of the client (user and system, its start included), which runs on processor 1.
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
import common  # noqa: E402
import runner  # noqa: E402

AUTOCANNON = "autocannon@9.0.0"
CORE = ["taskset", "-c", "1"]


def autocannon():
    return [os.path.join(runner.install([AUTOCANNON]), "autocannon"), "--json", "--no-progress"]


# ---------------------------------------------------------------- as many requests as they can


def closed(name, url, seconds, connections):
    c, s = str(connections), str(seconds)
    return {
        "assay": lambda: [common.ASSAY, "load", "--store", "none", "--url", url, "-c", c, "--duration", s + "s", "--json", "-"],
        "wrk": lambda: ["wrk", "-t", "1", "-c", c, "-d", s, "--latency", url],
        "h2load": lambda: ["h2load", "--h1", "-t", "1", "-c", c, "-D", s, url],
        "hey": lambda: ["hey", "-cpus", "1", "-c", c, "-z", s + "s", url],
        "ab": lambda: ["ab", "-q", "-k", "-c", c, "-t", s, "-n", "5000000", url],
        "autocannon": lambda: autocannon() + ["-c", c, "-d", s, url],
    }[name]()


def answered(name, out):
    """How many requests were answered, by what the tool printed."""
    if name == "assay":
        return json.loads(out)["answered"]
    if name == "autocannon":
        return json.loads(out)["2xx"]
    pattern = {"wrk": r"(\d+) requests in", "h2load": r"(\d+) succeeded", "hey": r"\[200\]\s+(\d+) responses",
               "ab": r"Complete requests:\s+(\d+)"}[name]
    return int(re.search(pattern, out).group(1))


def measured(command):
    """What a command printed, and the processor seconds it and its children took."""
    with subprocess.Popen(CORE + command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        out = child.stdout.read()
        _, _, usage = os.wait4(child.pid, 0)
        child.returncode = 0  # assay says INVALID when it has all of a core to itself, and that is asked for here
    return out, usage.ru_utime + usage.ru_stime


# ---------------------------------------------------------------- so many a second

# Of clients that hold a number of connections to a rate each: more than requests are under way at once.
CONNECTIONS = 125


def paced(name, url, seconds, rate, folder):
    """For `seconds`, `rate` a second: those that know of rates; wrk and ab ask as fast as connections allow."""
    c, s, each = str(CONNECTIONS), str(seconds), str(rate // CONNECTIONS)
    return {
        "assay": lambda: [common.ASSAY, "load", "--store", "none", "--url", url, "--rate", str(rate), "--arrivals", "constant",
                          "--duration", s + "s", "--connections", "4096", "--json", "-"],
        "wrk": lambda: ["wrk", "-t", "1", "-c", c, "-d", s, "--latency", "--timeout", "10s", url],
        "h2load": lambda: ["h2load", "--h1", "-t", "1", "-c", c, "--rps", each, "-D", s, "--log-file",
                           os.path.join(folder, "h2load.log"), url],
        "hey": lambda: ["hey", "-cpus", "1", "-c", c, "-q", each, "-z", s + "s", url],
        "ab": lambda: ["ab", "-q", "-k", "-c", c, "-t", s, "-n", "1000000", url],
        "autocannon": lambda: autocannon() + ["-c", c, "-R", str(rate), "-d", s, url],
    }[name]()


def seconds_of(text):
    """Of wrk: 100.22ms, 1.98s."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text).groups()
    return float(number) * {"us": 1e-6, "ms": 1e-3, "s": 1, "m": 60}[unit]


def percentiles(name, out, folder):
    """p50, p90 and p99 in seconds, as the tool says; of h2load, which says none, by its log of requests."""
    if name == "assay":
        latency = json.loads(out)["metrics"]["latency"]
        return [latency[p] / 1e9 for p in ("p50", "p90", "p99")]
    if name == "autocannon":
        latency = json.loads(out[out.index("{"):])["latency"]
        return [latency[p] / 1e3 for p in ("p50", "p90", "p99")]
    if name == "h2load":
        with open(os.path.join(folder, "h2load.log"), encoding="ascii") as file:
            took = sorted(int(line.split()[2]) / 1e6 for line in file)
        return [common.percentile(took, p) for p in (0.5, 0.9, 0.99)]
    if name == "wrk":
        return [seconds_of(re.search(rf"^\s+{p}%\s+(\S+)", out, re.M).group(1)) for p in (50, 90, 99)]
    if name == "ab":
        return [int(re.search(rf"^\s+{p}%\s+(\d+)", out, re.M).group(1)) / 1e3 for p in (50, 90, 99)]
    return [float(re.search(rf"^\s+{p}% in ([\d.]+) secs", out, re.M).group(1)) for p in (50, 90, 99)]


def verdict(name, out):
    if name != "assay":
        return ""
    run = json.loads(out)
    for reason in run["reasons"]:
        common.note(reason)
    return run["verdict"]


def main():
    _, name, url, seconds, connections = sys.argv[1:]
    out, processor = measured(closed(name, url, int(seconds), int(connections)))
    print(name, answered(name, out), f"{processor:.3f}")


if __name__ == "__main__":
    main()
