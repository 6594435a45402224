#!/usr/bin/env python3
"""assay load against services that stop, break the protocol, or are not there.

    test_load.py ASSAY ASSAY-WORKER

Prints TAP. How busy this machine is must not matter: runs that are not about being believed are
given a --lag that always is, and what is timed is compared with when it really happened.
"""

import json
import os
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

ASSAY, WORKER = sys.argv[1:3]
BELIEVE = ["--lag", "1h"]


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Load:
    """One `assay load` with its results."""

    def __init__(self, *options, limit=None):
        self.file = tempfile.NamedTemporaryFile(suffix=".json")
        self.process = subprocess.Popen(
            [ASSAY, "load", "--store", "none", "--json", self.file.name, *options], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limit)
        self.output = ""

    def after_lines(self, count):
        for _ in range(count):
            self.output += self.process.stdout.readline()
        return self

    def end(self):
        self.output += self.process.communicate(timeout=120)[0]
        self.status = self.process.returncode
        text = open(self.file.name, encoding="utf-8").read()
        self.json = json.loads(text) if text else None
        return self

    def percentile(self, metric, name):
        return self.json["metrics"][metric][name] / 1e9


def load(*options, **more):
    return Load(*options, **more).end()


class Worker:
    def __enter__(self):
        self.process = subprocess.Popen([WORKER, "--stub-mode", "--port", "0"], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.url = "http://127.0.0.1:" + self.process.stdout.readline().rsplit(":", 1)[1].strip()
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGCONT)
        self.process.kill()
        self.process.wait()


class Server:
    """Answers every request by `act(connection)`, until it leaves the scope."""

    def __init__(self, act):
        self.act = act
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        try:
            while connection.recv(65536):
                if self.act(connection) is False:
                    break
        except OSError:
            pass
        connection.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        try:
            self.close()
        except OSError:
            pass


def says(text):
    return lambda connection: connection.sendall(text.encode())


def status(code):
    return says(f"HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n")


def stream(*events):
    body = "".join(f"data: {event}\n\n" for event in events)
    return says(f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {len(body)}\r\n\r\n{body}")


def leaves(connection):
    return False


def resets(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def half(connection):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal")
    return False


def never(connection):
    return None


WORD = '{"choices":[{"delta":{"content":"a"},"finish_reason":null}]}'


def a_stopped_service_is_seen_by_every_request_that_was_due():
    """500 requests a second for 5 s, of which the service is stopped for one: coordinated omission."""
    with Worker() as worker:
        run = Load("--url", worker.url + "/health", "--rate", "500", "--arrivals", "constant",
                   "--duration", "5s", *BELIEVE).after_lines(3)
        os.kill(worker.process.pid, signal.SIGSTOP)
        began = time.monotonic()
        time.sleep(1)
        os.kill(worker.process.pid, signal.SIGCONT)
        stopped = time.monotonic() - began
        run.end()
    expect(run.status == 0, run.output)
    expect(run.json["answered"] == run.json["requests"] == 2500, run.output)
    # A share of stopped/5 waited, evenly from nothing to all of it; then the service worked off what had
    # come meanwhile, for which a busy machine needs some time more.
    for name, above in ("p90", 0.10), ("p99", 0.01):
        truth, got = stopped - 5 * above, run.percentile("latency", name)
        expect(0.98 * truth - 0.01 <= got <= 1.02 * truth + 0.3, f"{name} {got:.3f} s, in truth {truth:.3f} s")
    expect(run.percentile("latency", "p50") < 0.3, run.output)
    expect(run.percentile("latency", "max") >= stopped - 0.01, run.output)


def the_same_seed_makes_the_same_requests_with_any_number_of_threads():
    counts = set()
    with Worker() as worker:
        for threads in "1", "1", "3":
            run = load("--url", worker.url + "/health", "--rate", "700", "--duration", "500ms",
                       "--warmup", "200ms", "--seed", "7", "--threads", threads, *BELIEVE)
            counts.add(run.json["requests"])
        other = load("--url", worker.url + "/health", "--rate", "700", "--duration", "500ms",
                     "--warmup", "200ms", "--seed", "8", *BELIEVE)
    expect(len(counts) == 1, counts)
    expect(other.json["requests"] not in counts, f"{counts}, and another seed too")


def streams_are_timed_token_by_token():
    with Worker() as worker:
        run = load("--url", worker.url + "/execute", "--max-tokens", "8", "-c", "4", "--duration", "1s",
                   "-H", "X-Assay-Delay-Ms: 10", "--slo", "itl p50 > 9ms, errors <= 0%", *BELIEVE)
    metrics = run.json["metrics"]
    expect(run.status == 0, run.output)
    expect(metrics["output_tokens"]["min"] == metrics["output_tokens"]["max"] == 8, run.output)
    expect(metrics["itl"]["count"] == 7 * run.json["answered"], run.output)
    expect(metrics["itl_mean"]["p50"] >= 8e6, run.output)
    own = run.json["generator"]
    expect(own["reads_without_stamp"] * 100 <= own["reads"], own)


def results_on_standard_output_stand_there_alone():
    with Worker() as worker:
        out = subprocess.run([ASSAY, "load", "--store", "none", "--json", "-", "--url", worker.url + "/health",
                              "--rate", "100", "--duration", "200ms", *BELIEVE], stdout=subprocess.PIPE, check=True).stdout
    expect(json.loads(out)["verdict"] == "passed", out)


def an_objective_that_does_not_hold_is_exit_status_1():
    with Worker() as worker:
        run = load("--url", worker.url + "/health", "--rate", "200", "--duration", "300ms",
                   "--slo", "latency p99 < 1ns, errors < 1%", *BELIEVE)
    expect(run.status == 1, run.output)
    expect([o["holds"] for o in run.json["objectives"]] == [False, True], run.output)
    expect(run.json["verdict"] == "failed" and "FAILED" in run.output, run.output)


def a_reader_that_was_stopped_makes_the_run_invalid():
    with Worker() as worker:
        run = Load("--url", worker.url + "/health", "--rate", "500", "--duration", "2s").after_lines(3)
        os.kill(run.process.pid, signal.SIGSTOP)
        time.sleep(0.3)
        os.kill(run.process.pid, signal.SIGCONT)
        run.end()
    expect(run.status == 3, run.output)
    expect(run.json["verdict"] == "invalid" and run.json["reasons"], run.output)
    expect("INVALID" in run.output, run.output)


def a_processor_that_others_take_makes_the_run_invalid():
    processor = min(os.sched_getaffinity(0))

    def polite():
        os.sched_setaffinity(0, {processor})
        os.nice(19)

    spin = [sys.executable, "-c", "while True: pass"]
    greedy = subprocess.Popen(spin, preexec_fn=lambda: os.sched_setaffinity(0, {processor}))
    try:
        with Worker() as worker:
            run = load("--url", worker.url + "/health", "--rate", "500", "--duration", "1s", limit=polite)
    finally:
        greedy.kill()
        greedy.wait()
    expect(run.status == 3 and run.json["verdict"] == "invalid", run.output)


def an_interrupt_ends_it_in_order_with_the_results_so_far():
    with Worker() as worker:
        run = Load("--url", worker.url + "/health", "--rate", "500", "--duration", "10m", *BELIEVE).after_lines(3)
        run.process.send_signal(signal.SIGINT)
        run.end()
    expect(run.status == 130, run.output)
    expect(run.json["stopped"] and 0 < run.json["measured_s"] < 60, run.output)
    expect(run.json["answered"] > 100, run.output)
    expect("ended before its time" in run.output, run.output)


def the_second_interrupt_waits_for_nothing():
    with Server(never) as server:
        run = Load("--url", server.url, "-c", "2", "--drain", "10m", *BELIEVE).after_lines(3)
        run.process.send_signal(signal.SIGINT)
        time.sleep(0.2)  # or both are one signal
        run.process.send_signal(signal.SIGINT)
        run.end()
    expect(run.status == 130, run.output)
    expect(run.json["errors"]["abandoned"]["count"] == 2, run.output)


def a_service_that_is_not_there_is_exit_status_3():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        run = load("--url", f"http://127.0.0.1:{bound.getsockname()[1]}/")
    expect(run.status == 3 and "cannot be reached: Connection refused" in run.output, run.output)


def every_address_of_a_host_is_tried():
    with Worker() as worker:  # listens on 127.0.0.1; localhost may be ::1 first
        run = load("--url", worker.url.replace("127.0.0.1", "localhost") + "/health", "--duration", "400ms", *BELIEVE)
    expect(run.status == 0 and run.json["answered"] > 0, run.output)


def a_service_that_goes_refuses_the_rest():
    with Server(leaves) as server:
        run = Load("--url", server.url, "--rate", "50", "--duration", "1500ms", *BELIEVE).after_lines(3)
        server.close()
        run.end()
    expect(run.status == 3 and run.json["verdict"] == "nothing", run.output)
    # "reset": what had been accepted for the server, and not by it, when it went.
    expect({"closed", "refused"} <= set(run.json["errors"]) <= {"closed", "refused", "reset"}, run.output)


def too_few_descriptors_are_told_before_anything_is_sent():
    with Worker() as worker:
        run = load("--url", worker.url + "/health", "-c", "500",
                   limit=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100)))
    expect(run.status == 3 and "ulimit" in run.output, run.output)


CHAT = "/v1/chat/completions"
CLASSES = [
    ("status_3xx", status(302), "/", []),
    ("status_4xx", status(404), "/", []),
    ("status_429", status(429), "/", []),
    ("status_5xx", status(503), "/", []),
    ("protocol", says("SSH-2.0-OpenSSH_9.2\r\n\r\n"), "/", []),
    ("closed", leaves, "/", []),
    ("closed", half, "/", []),
    ("reset", resets, "/", []),
    ("timeout", never, "/", ["--timeout", "200ms"]),
    ("abandoned", never, "/", ["--drain", "200ms"]),
    ("malformed_stream", stream("{oops"), CHAT, ["--stream"]),
    ("malformed_stream", status(200), CHAT, ["--stream"]),
    ("stream_error", stream('{"error":{"message":"full"}}'), CHAT, ["--stream"]),
    ("unfinished_stream", stream(WORD), CHAT, ["--stream"]),
]


def every_error_is_counted_in_its_class_and_explained():
    for name, act, path, options in CLASSES:
        with Server(act) as server:
            run = load("--url", server.url + path, "-c", "2", "--duration", "300ms", *options, *BELIEVE)
        errors = run.json["errors"]
        expect(set(errors) == {name}, f"{name}: {run.output}")
        expect(errors[name]["count"] == run.json["requests"] > 0, f"{name}: {run.output}")
        expect(errors[name]["remedy"] in run.output and run.status == 3, f"{name}: {run.output}")


def a_body_is_sent_as_the_file_has_it():
    seen = []
    big = "x" * 3_000_000  # more than a socket takes at once
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file, socket.create_server(("127.0.0.1", 0)) as server:
        file.write(big)
        file.flush()

        def answer():
            while True:
                connection, _ = server.accept()
                got = b""
                while piece := connection.recv(1 << 20):
                    got += piece
                    if len(got.partition(b"\r\n\r\n")[2]) == len(big):
                        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
                        seen.append(got)
                        break
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        run = load("--url", f"http://127.0.0.1:{server.getsockname()[1]}/", "--body", "@" + file.name, "-c", "1",
                   "--duration", "200ms", *BELIEVE)
    expect(run.status == 0 and run.json["answered"] == len(seen) > 0, run.output)
    head, _, body = seen[0].partition(b"\r\n\r\n")
    expect(head.startswith(b"POST / HTTP/1.1\r\n") and body.decode() == big, head)


def what_never_found_a_connection_is_counted():
    with Server(never) as server:
        run = load("--url", server.url, "--rate", "100", "--arrivals", "constant", "--duration", "500ms",
                   "--connections", "3", "--drain", "200ms", *BELIEVE)
    expect(run.json["requests"] == 50, run.output)
    expect(run.json["errors"]["unsent"]["count"] == 47, run.output)
    expect(run.json["errors"]["abandoned"]["count"] == 3, run.output)


def waiting_for_a_connection_is_not_this_programs_lateness():
    answer = status(200)

    def slow(connection):
        time.sleep(0.3)
        answer(connection)

    with Server(slow) as server:
        run = load("--url", server.url, "--rate", "50", "--arrivals", "constant", "--duration", "600ms",
                   "--connections", "2", *BELIEVE)
    expect(run.json["waited"] == 28 and run.json["answered"] == 30, run.output)
    expect(run.percentile("schedule_delay", "max") > 3, run.output)
    expect(run.percentile("lateness", "max") < 0.15, run.output)


def a_service_that_closes_every_connection_is_no_error():
    answer = says("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
    with Server(lambda connection: answer(connection) or False) as server:
        run = load("--url", server.url, "-c", "4", "--duration", "500ms", *BELIEVE)
    expect(run.status == 0 and not run.json["errors"], run.output)
    expect(run.json["generator"]["connections_made"] >= run.json["answered"] > 4, run.output)


TESTS = [value for name, value in list(globals().items()) if callable(value) and name.count("_") > 2]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        test()
        verdict = "ok"
    except (Failed, subprocess.SubprocessError, KeyError, TypeError) as fault:
        verdict = "not ok"
        failed += 1
        for line in f"{type(fault).__name__}: {fault}".splitlines():
            print("#", line)
    print(f"{verdict} {number} - {test.__name__.replace('_', ' ')}", flush=True)
sys.exit(failed > 0)
