#!/usr/bin/env python3
"""assay load over TLS and HTTP/2: against Python's TLS, and nghttpd's and nginx's HTTP/2.

    test_protocols.py ASSAY

Prints TAP. Certificates are made for each run by the openssl command. How busy this machine is must
not matter.
"""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading

ASSAY = sys.argv[1]
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
        done = subprocess.run([ASSAY, "load", "--lag", "1h", "--json", path("json"), *options], text=True, timeout=120,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
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
        run = Run("--url", service.url, *TRUST, "-c", "4", "--threads", "2", "--duration", "300ms")
        expect(run.status == 0 and not run.json["errors"], run.output)
        expect(service.requests == run.json["answered"] > 4, run.output)
    tls = run.json["protocol"]["tls"]
    expect(tls["version"] == "TLSv1.3" and tls["certificate_checked"] and tls["handshakes"] == 4, run.output)
    expect(run.json["metrics"]["tls_handshake"]["count"] == 4, run.output)
    expect(run.json["generator"]["reads_without_stamp"] <= 0.01 * run.json["generator"]["reads"], run.output)
    expect("TLSv1.3" in run.output and "4 handshakes" in run.output, run.output)


def the_name_of_the_host_is_sent_and_checked():
    with Secure() as service:
        run = Run("--url", f"https://localhost:{service.port}/", *TRUST, "-c", "1", "--duration", "100ms")
    expect(run.status == 0 and service.names == {"localhost"}, f"{service.names} {run.output}")


def sessions_are_resumed_unless_told_otherwise():
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        with Secure(versions=version, **CLOSING) as service:
            run = Run("--url", service.url, *TRUST, "-c", "1", "--duration", "300ms")
            tls = run.json["protocol"]["tls"]
            expect(run.status == 0 and tls["handshakes"] > 2, run.output)
            expect(service.resumed == tls["resumed"] == tls["handshakes"] - 1, f"{service.resumed} {run.output}")
            run = Run("--url", service.url, *TRUST, "-c", "1", "--duration", "100ms", "--tls-no-resume")
            expect(run.json["protocol"]["tls"]["resumed"] == 0 and run.status == 0, run.output)


def certificates_that_are_not_to_be_trusted_are_told_apart():
    cases = [("good", [], "unable to get local issuer"), ("elsewhere", TRUST, "IP address mismatch"),
             ("expired", TRUST, "expired")]
    for certificate, options, word in cases:
        with Secure(certificate) as service:
            run = Run("--url", service.url, *options, "-c", "1", "--duration", "100ms")
            run.only_error("certificate", word, "127.0.0.1")
            expect(service.requests == 0, "a request went to a service that is not trusted")


def any_certificate_will_do_when_told_so_and_the_report_says_it():
    with Secure("expired") as service:
        run = Run("--url", service.url, "--insecure", "-c", "1", "--duration", "100ms")
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
        run = Run("--url", f"https://127.0.0.1:{server.getsockname()[1]}/", "-c", "1", "--duration", "100ms")
        run.only_error("tls", "wrong version number")
        server.shutdown(socket.SHUT_RDWR)


def events_of_one_record_share_a_stamp_and_are_counted():
    event = b"data: x\n\n"
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % (4 * len(event))
    with Secure(pieces=[head + event, 3 * event]) as service:
        run = Run("--url", service.url, *TRUST, "--stream", "-c", "1", "--duration", "200ms")
    expect(run.status == 0 and run.json["metrics"]["output_tokens"]["max"] == 4, run.output)
    # Two of the three gaps at least; all when both records came in one read.
    gaps = run.json["metrics"]["itl"]["count"]
    expect(2 * gaps // 3 <= run.json["events_read_together"] <= gaps, run.output)


def an_authority_that_is_no_file_is_a_usage_error():
    with Secure() as service:
        done = subprocess.run([ASSAY, "load", "--url", service.url, "--cacert", path("none")], text=True,
                              capture_output=True, timeout=60)
    expect(done.returncode == 2 and "--cacert" in done.stderr, done.stderr)


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
