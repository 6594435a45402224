"""What the benchmarks share: measuring a command from outside, medians, and Markdown tables.

A command is measured as its user meets it: wall time from spawn to exit, CPU time and peak memory
from the kernel's own accounting. Each figure is a median of several rounds with its range beside
it, because the machine is rarely ours alone; the load average is printed for the same reason.
"""

import contextlib
import math
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
ASSAY = os.path.join(BUILD, "src", "assay")
WORKER = os.path.join(BUILD, "systems", "worker", "assay-worker")
HOME = os.path.join(BUILD, "bench")  # everything that is generated
QUICK = os.environ.get("BENCH_QUICK") == "1"


class Failed(Exception):
    """A command did not do what it was measured for."""


class Sample:
    """One run of a command: seconds, and KiB of peak resident memory where it was asked for."""

    def __init__(self, wall, cpu, rss=None):
        self.wall, self.cpu, self.rss = wall, cpu, rss


def environment(**more):
    """Ours, the worker on the path, and no tool that tells its makers about its use."""
    path = os.path.dirname(WORKER) + os.pathsep + os.environ.get("PATH", "")
    return dict(os.environ, PATH=path, **more)


def run(command, folder, env=None, peak=False, allowed=(0,)):
    """Run a command in `folder`, its output in `folder`/output.txt, and measure it.

    With `peak` it runs under time(1): a process begins with the peak memory of the one it was
    forked from, and Python's would hide a small program's. That costs a millisecond of wall time.
    """
    peak_file = os.path.join(folder, "peak.txt")
    if peak:
        command = ["/usr/bin/time", "-q", "-f", "%M", "-o", peak_file] + command
    with open(os.path.join(folder, "output.txt"), "wb") as output:
        began = time.perf_counter()
        child = subprocess.Popen(command, cwd=folder, env=env or environment(), stdout=output,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in allowed:
        with open(os.path.join(folder, "output.txt"), encoding="utf-8", errors="replace") as output:
            raise Failed(f"{' '.join(command)} ended with {child.returncode}:\n{output.read()[-2000:]}")
    rss = None
    if peak:
        with open(peak_file, encoding="ascii") as file:
            rss = int(file.read().split()[-1])
    return Sample(wall, usage.ru_utime + usage.ru_stime, rss)


def wait_for(url, child):
    until = time.monotonic() + 10
    while True:
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=1) as answer:
                return answer.read()
        if child.poll() is not None or time.monotonic() > until:
            raise Failed(f"{url} does not answer")
        time.sleep(0.02)


@contextlib.contextmanager
def served(command, url, folder):
    """A server for as long as the block runs."""
    with open(os.path.join(folder, "server.txt"), "wb") as output:
        child = subprocess.Popen(command, cwd=folder, env=environment(), stdout=output,
                                 stderr=subprocess.STDOUT)
    try:
        wait_for(url, child)
        yield child
    finally:
        child.terminate()
        child.wait(10)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fresh(*names):
    """An empty folder below HOME."""
    folder = os.path.join(HOME, *names)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    return folder


def forget_results(folder):
    shutil.rmtree(os.path.join(folder, ".assay"), ignore_errors=True)


def percentile(values, share):
    """The smallest value that at least `share` of all values do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def spread(values, form):
    """Median, and the range in brackets."""
    low, high = form.format(min(values)), form.format(max(values))
    return f"{form.format(statistics.median(values))} ({low}–{high})"


def table(columns, rows):
    """A Markdown table; every column but the first is right-aligned."""
    print("| " + " | ".join(columns) + " |")
    print("|---" + "|--:" * (len(columns) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)


def note(text):
    """Progress, for whoever waits; not part of the report."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


def load():
    return "{:.2f}".format(os.getloadavg()[0])


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    except (OSError, subprocess.CalledProcessError):
        return "?"
    return (done.stdout or done.stderr).strip().splitlines()[0]


def machine():
    """The machine in one line."""
    model, memory, system = platform.machine(), "?", platform.system()
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = f"{int(file.readline().split()[1]) / 2**20:.0f} GiB"
    with open("/etc/os-release", encoding="utf-8") as file:
        for line in file:
            if line.startswith("PRETTY_NAME="):
                system = line.split("=", 1)[1].strip().strip('"')
    return f"{os.cpu_count()} × {model}, {memory}, {system}, kernel {platform.release()}"
