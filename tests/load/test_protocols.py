#!/usr/bin/env python3
"""assay load over TLS and HTTP/2: against Python's TLS, frames by hand, and nginx.

    test_protocols.py ASSAY

Prints TAP. Certificates are made for each run by the openssl command. How busy this machine is must
not matter.
"""

import json
import os
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time

ASSAY = os.path.abspath(sys.argv[1])
WORK = tempfile.TemporaryDirectory()


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def path(name):
    return os.path.join(WORK.name, name)


class Run:
    """`assay load`, to its end."""

    def __init__(self, *options):
        done = subprocess.run([ASSAY, "load", "--store", "none", "--lag", "1h", "--json", path("json"), *options],
                              text=True, timeout=120,
                              cwd=WORK.name, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.status, self.output = done.returncode, done.stdout
        self.json = json.load(open(path("json"), encoding="utf-8"))

    def only_error(self, name, *words):
        """Nothing was answered, all failures are of this class, and the example has these words."""
        expect(self.status == 3 and self.json["answered"] == 0, self.output)
        expect(list(self.json["errors"]) == [name], self.output)
        for word in words:
            expect(word in self.json["errors"][name]["example"], self.output)


# ---------------------------------------------------------------- certificates


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, cwd=WORK.name, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def make_authority():
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
            "authority.key", "-out", "authority.pem", "-subj", "/CN=authority of a test", "-days", "2")


def make_certificate(name, names, days="2"):
    with open(path(name + ".names"), "w", encoding="utf-8") as file:
        file.write("subjectAltName=" + names)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", name + ".key",
            "-out", name + ".request", "-subj", "/CN=service")
    openssl("x509", "-req", "-in", name + ".request", "-CA", "authority.pem", "-CAkey", "authority.key",
            "-CAcreateserial", "-days", days, "-extfile", name + ".names", "-out", name + ".pem")


make_authority()
make_certificate("good", "DNS:localhost,IP:127.0.0.1")
make_certificate("elsewhere", "DNS:elsewhere.example")
make_certificate("expired", "IP:127.0.0.1", "-1")
TRUST = ["--cacert", path("authority.pem")]

# ---------------------------------------------------------------- services


class Secure:
    """Answers every request over TLS; counts requests, handshakes and those that resumed."""

    def __init__(self, certificate="good", answer=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", pieces=None,
                 versions=None, keep=True):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path(certificate + ".pem"), path(certificate + ".key"))
        if versions:
            self.context.minimum_version = self.context.maximum_version = versions
        self.pieces, self.keep = pieces or [answer], keep
        self.requests = self.handshakes = self.resumed = 0
        self.names = set()
        self.context.sni_callback = lambda _socket, name, _context: self.names.add(name)
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.socket.getsockname()[1]
        self.url = f"https://127.0.0.1:{self.port}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            secure = self.context.wrap_socket(connection, server_side=True)
            with self.lock:
                self.handshakes += 1
                self.resumed += secure.session_reused
            while secure.recv(65536):
                with self.lock:
                    self.requests += 1
                for piece in self.pieces:
                    secure.sendall(piece)
                if not self.keep:
                    secure.unwrap()
                    break
        except OSError:
            pass
        connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


CLOSING = {"answer": b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "keep": False}

# ---------------------------------------------------------------- TLS


def https_is_answered_by_several_threads_with_the_handshake_timed():
    with Secure() as service:
        run = Run("--url", service.url, *TRUST, "-c", "4", "--threads", "2", "--duration", "400ms")
        expect(run.status == 0 and not run.json["errors"], run.output)
        expect(service.requests == run.json["answered"] >= 4, run.output)
    tls = run.json["protocol"]["tls"]
    expect(tls["version"] == "TLSv1.3" and tls["certificate_checked"] and tls["handshakes"] == 4, run.output)
    expect(run.json["metrics"]["tls_handshake"]["count"] == 4, run.output)
    expect(run.json["generator"]["reads_without_stamp"] < run.json["generator"]["reads"] / 2, run.output)
    expect("TLSv1.3" in run.output and "4 handshakes" in run.output, run.output)


def the_name_of_the_host_is_sent_and_checked():
    with Secure() as service:
        run = Run("--url", f"https://localhost:{service.port}/", *TRUST, "-c", "1", "--duration", "400ms")
    expect(run.status == 0 and service.names == {"localhost"}, f"{service.names} {run.output}")


def sessions_are_resumed_unless_told_otherwise():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with Secure(versions=version, **CLOSING) as service:
            run = Run("--url", service.url, *TRUST, "-c", "1", "--duration", "300ms")
            tls = run.json["protocol"]["tls"]
            expect(run.status == 0 and tls["handshakes"] > 1, run.output)
            expect(service.resumed == tls["resumed"] == tls["handshakes"] - 1, f"{service.resumed} {run.output}")
            run = Run("--url", service.url, *TRUST, "-c", "1", "--duration", "400ms", "--tls-no-resume")
            expect(run.json["protocol"]["tls"]["resumed"] == 0 and run.status == 0, run.output)


def certificates_that_are_not_to_be_trusted_are_told_apart():
    cases = [("good", [], "unable to get local issuer"), ("elsewhere", TRUST, "IP address mismatch"),
             ("expired", TRUST, "expired")]
    for certificate, options, word in cases:
        with Secure(certificate) as service:
            run = Run("--url", service.url, *options, "-c", "1", "--duration", "400ms")
            run.only_error("certificate", word, "127.0.0.1")
            expect(service.requests == 0, "a request went to a service that is not trusted")


def any_certificate_will_do_when_told_so_and_the_report_says_it():
    with Secure("expired") as service:
        run = Run("--url", service.url, "--insecure", "-c", "1", "--duration", "400ms")
    expect(run.status == 0 and "--insecure" in run.output, run.output)
    expect(run.json["protocol"]["tls"]["certificate_checked"] is False, run.output)


def a_port_that_speaks_no_tls_is_told():
    with socket.create_server(("127.0.0.1", 0)) as server:
        def answer():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
                connection.close()

        threading.Thread(target=answer, daemon=True).start()
        run = Run("--url", f"https://127.0.0.1:{server.getsockname()[1]}/", "-c", "1", "--duration", "400ms")
        run.only_error("tls", "wrong version number")
        server.shutdown(socket.SHUT_RDWR)


def events_of_one_record_share_a_stamp_and_are_counted():
    event = b"data: x\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % (4 * len(event))
    with Secure(pieces=[head + event, 3 * event]) as service:
        run = Run("--url", service.url, *TRUST, "--stream", "-c", "1", "--duration", "400ms")
    expect(run.status == 0 and run.json["metrics"]["output_tokens"]["max"] == 4, run.output)
    # Two of the three gaps at least; all when both records came in one read.
    gaps = run.json["metrics"]["itl"]["count"]
    expect(2 * gaps // 3 <= run.json["events_read_together"] <= gaps, run.output)


def an_authority_that_is_no_file_is_a_usage_error():
    with Secure() as service:
        done = subprocess.run([ASSAY, "load", "--store", "none", "--url", service.url, "--cacert", path("none")],
                              text=True,
                              cwd=WORK.name, capture_output=True, timeout=60)
    expect(done.returncode == 2 and "--cacert" in done.stderr, done.stderr)


# ---------------------------------------------------------------- HTTP/2

HEADERS, DATA, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 1, 0, 3, 4, 6, 7, 8
END_STREAM, END_HEADERS, ACK = 1, 4, 1
OK = b"\x88"  # :status 200, from the static table
EVENTS = OK + b"\x0f\x10\x11text/event-stream"  # … and content-type


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def u32(value):
    return struct.pack(">I", value)


class Http2:
    """Frames by hand: answers each request by `answer(service, connection, stream)`, the first `hold` of a connection
    together. Counts connections, requests, bytes of bodies and streams at a time."""

    def __init__(self, answer=None, hold=1, streams=None, secure=None):
        self.answer, self.hold, self.secure = answer or Http2.ok, hold, secure
        self.settings = b"" if streams is None else struct.pack(">HI", 3, streams)
        self.connections = self.requests = self.bytes = self.most = 0
        self.lock = threading.Lock()
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http{'s' if secure else ''}://127.0.0.1:{self.socket.getsockname()[1]}/"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=[connection], daemon=True).start()

    def serve(self, connection):
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.secure:
                connection = self.secure.wrap_socket(connection, server_side=True)
            self.talk(connection, connection.makefile("rb"))
        except OSError:
            pass
        connection.close()

    def talk(self, connection, file):
        if file.read(24) != b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n":
            return  # whether anybody listens was all that was asked
        with self.lock:
            self.connections += 1
        connection.sendall(frame(SETTINGS, 0, 0, self.settings))
        waiting, hold = [], self.hold
        while len(head := file.read(9)) == 9:
            kind, flags, stream = head[3], head[4], struct.unpack(">I", head[5:])[0]
            payload = file.read(int.from_bytes(head[:3], "big"))
            if kind == SETTINGS and not flags & ACK:
                connection.sendall(frame(SETTINGS, ACK, 0))
            if kind == DATA and payload:
                with self.lock:
                    self.bytes += len(payload)
                update = u32(len(payload))
                connection.sendall(frame(WINDOW_UPDATE, 0, 0, update))
                if not flags & END_STREAM:
                    connection.sendall(frame(WINDOW_UPDATE, 0, stream, update))
            if kind in (HEADERS, DATA) and flags & END_STREAM:
                waiting.append(stream)
                with self.lock:
                    self.requests += 1
                    self.most = max(self.most, len(waiting))
                if len(waiting) >= hold:
                    hold = 1
                    for one in waiting:
                        if self.answer(connection, one) is False:
                            connection.shutdown(socket.SHUT_WR)
                            file.read()  # what is left unread would make a reset of it
                            return
                    waiting = []

    @staticmethod
    def ok(connection, stream):
        connection.sendall(frame(HEADERS, END_HEADERS, stream, OK) + frame(DATA, END_STREAM, stream, b"ok"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


def http2(*options, **service):
    """A short run against such a service: the service and the run."""
    with Http2(**service) as server:
        run = Run("--url", server.url, "--http2", "--duration", "400ms", *options)
    return server, run


def many_requests_go_at_a_time_on_one_connection():
    server, run = http2("-c", "8", hold=8)
    expect(run.status == 0 and not run.json["errors"], run.output)
    expect(server.connections == 1 and server.most == 8, f"{server.most} {run.output}")
    expect(server.requests == run.json["requests"] == run.json["answered"], run.output)
    expect(run.json["protocol"]["http"] == "2", run.output)


def users_are_spread_over_as_few_connections_as_hold_them():
    server, run = http2("-c", "10", "--streams", "4", "--threads", "2")
    expect(run.status == 0 and server.connections == run.json["generator"]["connections_made"] == 3, run.output)
    expect(server.requests == run.json["answered"], run.output)


def as_many_streams_go_as_the_service_allows():
    server, run = http2("-c", "8", streams=3)
    expect(run.status == 0 and server.most <= 3, f"{server.most} {run.output}")
    expect(run.json["protocol"]["streams"] == 3 and "allows 3 streams" in run.output, run.output)


def a_schedule_goes_over_http2_too():
    server, run = http2("--rate", "500", "--arrivals", "constant", "--threads", "2")
    expect(run.json["answered"] == server.requests == 200, run.output)


def what_ends_a_stream_is_told_apart():
    def reset(code):
        return lambda connection, stream: connection.sendall(frame(RST_STREAM, 0, stream, u32(code)))

    def cut(connection, stream):
        connection.sendall(frame(HEADERS, END_HEADERS, stream, OK) + frame(RST_STREAM, 0, stream, u32(2)))

    def leaves(connection, stream):
        connection.sendall(frame(GOAWAY, 0, 0, u32(0) + u32(11)))

    def nonsense(connection, stream):
        connection.sendall(frame(DATA, 0, stream, b"before any head"))

    cases = [(reset(7), "refused_stream", "REFUSED_STREAM"), (reset(2), "stream_reset", "INTERNAL_ERROR"),
             (cut, "stream_reset", "INTERNAL_ERROR"), (leaves, "goaway", "ENHANCE_YOUR_CALM"),
             (nonsense, "protocol", "PROTOCOL_ERROR"), (lambda *_: False, "closed", "GOAWAY")]
    for answer, name, word in cases:
        _, run = http2("-c", "2", answer=answer)
        run.only_error(name, word)


def a_service_of_http1_is_told():
    server = socket.create_server(("127.0.0.1", 0))

    def answer():
        connection, _ = server.accept()
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        connection.recv(4096)
        connection.close()

    threading.Thread(target=lambda: [answer() for _ in range(2)], daemon=True).start()
    run = Run("--url", f"http://127.0.0.1:{server.getsockname()[1]}/", "--http2", "--rate", "10", "--arrivals",
              "constant", "--duration", "100ms")
    run.only_error("protocol", "does not support HTTP/2")
    server.close()


def what_one_stream_does_is_no_matter_to_the_others():
    def act(connection, stream):
        if stream % 4 == 1:
            connection.sendall(frame(RST_STREAM, 0, stream, u32(2)))
        else:
            Http2.ok(connection, stream)

    server, run = http2("-c", "4", answer=act)
    expect(run.json["answered"] > 0 and list(run.json["errors"]) == ["stream_reset"], run.output)
    expect(server.connections == 1 and server.requests == run.json["requests"], run.output)


def a_stream_that_takes_too_long_is_given_up_and_the_connection_kept():
    def act(connection, stream):
        if stream > 1:
            Http2.ok(connection, stream)

    server, run = http2("-c", "2", "--timeout", "400ms", "--duration", "900ms", answer=act)
    expect(run.json["errors"]["timeout"]["count"] == 1 and run.json["answered"] > 1, run.output)
    expect(server.connections == 1, run.output)


def what_comes_in_no_time_takes_nothing_else_with_it():
    _, run = http2("--rate", "20", "--arrivals", "constant", "--connections", "1", "--timeout", "600ms", "--duration",
                   "900ms", "--drain", "1h", "--events", path("late"), answer=lambda connection, stream: None)
    run.only_error("timeout")
    with open(path("late"), encoding="utf-8") as file:
        requests = [line for line in map(json.loads, file) if "sent" in line]
    expect(len(requests) > 1 and all(r["end"] - r["sent"] > 600e6 for r in requests), requests)


def events_in_frames_are_timed_and_those_of_one_read_share_a_stamp():
    def act(connection, stream):
        event = b"data: x\n\n"
        connection.sendall(frame(HEADERS, END_HEADERS, stream, EVENTS) + frame(DATA, 0, stream, event) +
                           frame(DATA, 0, stream, event[:4]) + frame(DATA, END_STREAM, stream, event[4:]))

    _, run = http2("-c", "2", "--stream", answer=act)
    expect(run.status == 0 and run.json["metrics"]["output_tokens"]["min"] == 2, run.output)
    expect(run.json["events_read_together"] == run.json["metrics"]["itl"]["count"] > 0, run.output)


def bodies_larger_than_a_window_arrive_whole():
    with open(path("body"), "w", encoding="utf-8") as file:
        file.write("x" * 200_000)
    server, run = http2("-c", "3", "--body", "@" + path("body"))
    expect(run.status == 0 and server.bytes == 200_000 * run.json["answered"], f"{server.bytes} {run.output}")


def head_is_answered_without_a_body():
    _, run = http2("-c", "1", "--method", "HEAD",
                   answer=lambda connection, stream: connection.sendall(
                       frame(HEADERS, END_HEADERS | END_STREAM, stream, OK)))
    expect(run.status == 0 and not run.json["errors"], run.output)


def with_https_http2_is_agreed_on():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path("good.pem"), path("good.key"))
    _, run = http2(*TRUST, "-c", "4", secure=context)
    run.only_error("tls", "ALPN")
    context.set_alpn_protocols(["h2"])
    server, run = http2(*TRUST, "-c", "4", "--streams", "2", "--threads", "2", secure=context)
    expect(run.status == 0 and server.requests == run.json["answered"], run.output)
    expect(run.json["protocol"]["tls"]["version"] == "TLSv1.3" and server.connections == 2, run.output)


class SlowToSecure:
    """A service's TLS whose handshakes begin late."""

    def __init__(self):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path("good.pem"), path("good.key"))
        self.context.set_alpn_protocols(["h2"])

    def wrap_socket(self, connection, server_side):
        time.sleep(0.05)
        return self.context.wrap_socket(connection, server_side=server_side)


def handshakes_are_not_those_of_requests_that_come_in_their_middle():
    _, run = http2(*TRUST, "--rate", "400", "--connections", "1", secure=SlowToSecure())
    expect(run.status == 0 and run.json["answered"] > 1, run.output)
    expect(50e6 < run.json["metrics"]["tls_handshake"]["max"] < 60e9, run.output)


class Silent(Http2):
    """Says nothing of itself, and closes connections on which nothing comes for a while."""

    def talk(self, connection, file):
        if len(file.read(24)) < 24:
            return
        count = 0
        connection.settimeout(0.05)
        while len(head := file.read(9)) == 9:
            file.read(int.from_bytes(head[:3], "big"))
            count += head[3] == HEADERS
            self.most = max(self.most, count)


def one_request_goes_before_the_settings_of_the_service_come():
    with Silent() as server:
        run = Run("--url", server.url, "--http2", "--rate", "500", "--connections", "1", "--duration", "40ms")
    expect(server.most == 1 and run.json["requests"] > 1, f"{server.most} {run.output}")


def nginx_sees_as_many_requests_as_were_sent():
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with open(path("nginx.conf"), "w", encoding="utf-8") as file:
        file.write(f"""daemon off; worker_processes 1; pid {path("pid")}; error_log {path("errors")};
            events {{}} http {{ access_log {path("seen")}; keepalive_requests 100000000;
            server {{ listen 127.0.0.1:{port} http2; location / {{
            if ($http_x_probe != "Yes") {{ return 400; }} return 200 hello; }} }} }}""")
    listener.set_inheritable(True)  # nginx takes it over: nobody else can have the port meanwhile
    server = subprocess.Popen(["nginx", "-p", WORK.name, "-c", path("nginx.conf")], pass_fds=[listener.fileno()],
                              env={**os.environ, "NGINX": f"{listener.fileno()};"}, stderr=subprocess.DEVNULL)
    try:
        run = Run("--url", f"http://127.0.0.1:{port}/", "--http2", "-c", "20", "--streams", "10", "--duration", "400ms",
                  "--header", "X-Probe: Yes")
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait()
        listener.close()
    with open(path("seen"), encoding="utf-8") as file:
        seen = file.read().splitlines()
    # Sanitizers can make it busy enough to be INVALID.
    expect(run.status in (0, 3) and len(seen) == run.json["answered"] >= 20, f"{len(seen)} {run.output}")
    expect(all('"GET / HTTP/2.0" 200' in line for line in seen), seen[0])


TESTS = [value for name, value in list(globals().items()) if callable(value) and name.count("_") > 2]

print(f"1..{len(TESTS)}")
failed = 0
for number, test in enumerate(TESTS, 1):
    try:
        test()
        verdict = "ok"
    except (Failed, subprocess.SubprocessError, KeyError, TypeError, ValueError) as fault:
        verdict = "not ok"
        failed += 1
        for line in f"{type(fault).__name__}: {fault}".splitlines():
            print("#", line)
    print(f"{verdict} {number} - {test.__name__.replace('_', ' ')}", flush=True)
sys.exit(failed > 0)
