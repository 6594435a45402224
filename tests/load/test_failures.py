#!/usr/bin/env python3
"""assay load when something gives out: each failure is counted in its class and explained once, and
the run ends in order.

    test_failures.py ASSAY ASSAY-WORKER

Prints TAP. Local ports give out in a network namespace of their own, where that is permitted. What
answers break is in test_load.py, certificates in test_protocols.py.
"""

import fcntl
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

ASSAY, WORKER = sys.argv[1:3]
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Failed(Exception):
    pass


class Skipped(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


class Load:
    """One `assay load` with its results."""

    def __init__(self, *options):
        self.file = tempfile.NamedTemporaryFile(suffix=".json")
        self.process = subprocess.Popen([ASSAY, "load", "--lag", "1h", "--store", "none", "--json", self.file.name,
                                         *options], text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT)
        self.output = ""

    def after_lines(self, count):
        for _ in range(count):
            self.output += self.process.stdout.readline()
        return self

    def end(self):
        """It ends by itself; whatever failed stands in its class, and is explained once."""
        self.output += self.process.communicate(timeout=120)[0]
        self.status = self.process.returncode
        self.json = json.load(open(self.file.name, encoding="utf-8"))
        self.errors = self.json["errors"]
        expect(sum(e["count"] for e in self.errors.values()) + self.json["answered"] == self.json["requests"],
               self.output)
        for error in self.errors.values():
            expect(self.output.count(error["remedy"]) == 1, self.output)
        return self


class Server:
    """Does `act(connection)` for every request, or when a connection is made; ends with its scope."""

    def __init__(self, act, at_once=False):
        self.act, self.at_once, self.open = act, at_once, []
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        self.url = "http://" + self.address
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
            while self.at_once or connection.recv(65536):
                if self.act(connection) is False:
                    break
        except OSError:
            pass
        connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.socket.close()


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return False


def says(answer):
    return lambda connection: connection.sendall(answer)


def a_service_that_is_killed_in_the_middle_of_streams():
    worker = subprocess.Popen([WORKER, "--stub-mode", "--delay-ms", "20", "--port", "0"], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    url = worker.stdout.readline().split()[-1]
    url = url[url.index("http"):]
    run = Load("--url", url + "/execute", "--max-tokens", "8", "-c", "8", "--duration", "1500ms").after_lines(3)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    run.end()
    expect(run.json["answered"] > 0 and run.errors["refused"]["count"] > 0, run.output)
    expect(set(run.errors) <= {"refused", "reset", "closed"}, run.output)
    expect(sum(run.errors.get(name, {"count": 0})["count"] for name in ("reset", "closed")) <= 16, run.output)


def a_service_that_closes_its_side_in_the_middle_of_an_answer():
    def act(connection):
        connection.sendall(ANSWER[:-1])
        connection.shutdown(socket.SHUT_WR)  # and reads on

    with Server(act) as server:
        run = Load("--url", server.url, "-c", "2", "--duration", "300ms", "--timeout", "1h").end()
    expect(set(run.errors) == {"closed"} and run.status == 3, run.output)


def a_service_that_closes_its_side_after_an_answer_has_answered():
    def act(connection):
        connection.send(ANSWER, socket.MSG_MORE)  # it goes out together with the end
        connection.shutdown(socket.SHUT_WR)  # and reads on, as if another request could come

    with Server(act) as server:
        run = Load("--url", server.url, "--rate", "20", "--arrivals", "constant", "--duration", "500ms").end()
    expect(run.json["answered"] == 10 and not run.errors, run.output)


def a_service_that_sends_without_end_and_pause_holds_up_nothing():
    event = b'data: {"choices":[{"index":0,"delta":{"content":"x"}}]}\n\n' * 10000
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"

    def act(connection):
        connection.sendall(head)
        while True:
            connection.sendall(event)

    with Server(act) as server:
        run = Load("--url", server.url + "/v1/chat/completions", "--stream", "--duration", "400ms", "--drain",
                   "100ms").end()
    expect(set(run.errors) == {"abandoned"} and run.status == 3, run.output)
    expect(" -  " in run.output and " 0 ns  " not in run.output.split("answers/s,")[0], run.output)


def refusals_that_say_when_to_come_again_are_counted():
    answer = b"HTTP/1.1 429 Slow down\r\nRetry-After: %s\r\nContent-Length: 0\r\n\r\n"
    waits = [b"7", b"Sat, 21 Nov 2026 00:00:00 GMT", b"99999999999999999999", b"2"]
    with Server(lambda connection: connection.sendall(answer % waits[0])) as server:
        run = Load("--url", server.url, "-c", "1", "--duration", "200ms").end()
        expect(set(run.errors) == {"status_429"} and run.status == 3, run.output)
        told = run.json["told_to_wait"]
        expect(told == {"answers": run.json["requests"], "longest_s": 7}, told)
        expect("Retry-After" in run.output, run.output)
        waits[:] = waits[1:2]
        run = Load("--url", server.url, "-c", "1", "--duration", "200ms").end()
        expect(run.json["told_to_wait"] == {"answers": run.json["requests"], "longest_s": 0}, run.json["told_to_wait"])


def connections_that_break_before_tls_is_agreed_on():
    def closes(connection):
        connection.sendall(b"\x15\x03\x03\x00\x02\x01\x00")  # an alert: close_notify
        connection.recv(65536)

    for how, act in (("ended during the handshake", lambda connection: False), ("reset by peer", reset),
                     ("close_notify", closes)):
        with Server(act) as server:
            run = Load("--url", "https://" + server.address, "-c", "2", "--duration", "200ms").end()
        expect(set(run.errors) == {"tls"} and how in run.errors["tls"]["example"], run.output)


def a_service_that_never_answers_for_tls_is_a_timeout():
    with Server(lambda connection: None) as server:
        run = Load("--url", "https://" + server.address, "-c", "2", "--duration", "200ms", "--timeout", "100ms",
                   "--drain", "10s").end()
    expect(set(run.errors) == {"timeout"} and run.status == 3, run.output)


def descriptors_that_give_out_in_the_middle():
    go_on = threading.Event()

    def act(connection):  # each answer takes a connection, and all are held until the limit is there
        go_on.wait()
        connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
        return False

    with Server(act) as server:
        run = Load("--url", server.url, "-c", "64", "--duration", "1500ms").after_lines(3)
        pid = run.process.pid
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (32, resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]))
        go_on.set()
        run.end()
    expect(run.errors["descriptors"]["count"] > 0 and set(run.errors) == {"descriptors"}, run.output)
    expect(run.json["answered"] > 64 and "ulimit" in run.output, run.output)


PORTS = (50000, 50003)


def with_few_ports():
    """What ports_that_give_out does, in a network namespace of its own."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", "w", encoding="ascii") as range_of:
        range_of.write("%d %d" % PORTS)
    with socket.socket() as any_socket:  # bring up lo: SIOCSIFFLAGS, IFF_UP | IFF_RUNNING
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))
    with Server(says(ANSWER)) as server:
        ports = PORTS[1] - PORTS[0] + 1
        run = Load("--url", server.url, "-c", str(2 * ports), "--duration", "500ms").end()
    expect(set(run.errors) == {"ports"} and run.errors["ports"]["count"] >= ports, run.output)
    expect(run.json["answered"] > 0 and "ip_local_port_range" in run.output, run.output)


def ports_that_give_out():
    apart = ["unshare", "--map-root-user", "--net"]
    try:
        if subprocess.run([*apart, "test", "-w", "/proc/sys/net/ipv4/ip_local_port_range"], check=False,
                          stderr=subprocess.DEVNULL).returncode != 0:
            raise Skipped("no network namespace may be made")
    except FileNotFoundError as fault:
        raise Skipped("there is no unshare") from fault
    done = subprocess.run([*apart, sys.executable, __file__, ASSAY, WORKER, "with_few_ports"], text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    expect(done.returncode == 0, done.stdout)


if sys.argv[3:] == ["with_few_ports"]:
    with_few_ports()
    sys.exit(0)

TESTS = [a_service_that_is_killed_in_the_middle_of_streams,
         a_service_that_closes_its_side_in_the_middle_of_an_answer,
         a_service_that_closes_its_side_after_an_answer_has_answered,
         a_service_that_sends_without_end_and_pause_holds_up_nothing,
         refusals_that_say_when_to_come_again_are_counted,
         connections_that_break_before_tls_is_agreed_on,
         a_service_that_never_answers_for_tls_is_a_timeout,
         descriptors_that_give_out_in_the_middle,
         ports_that_give_out]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    verdict, skipped, why = "ok", "", ""
    try:
        test()
    except Skipped as reason:
        skipped = f" # SKIP {reason}"
    except (Failed, subprocess.SubprocessError, KeyError) as fault:
        verdict, why = "not ok", f"{type(fault).__name__}: {fault}"
    failed += verdict != "ok"
    for line in why.splitlines():
        print("#", line)
    print(f"{verdict} {number} - {test.__name__.replace('_', ' ')}{skipped}", flush=True)
sys.exit(failed > 0)
