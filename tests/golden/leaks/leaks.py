#!/usr/bin/env python3
"""Secrets planted wherever one can stand are looked for in everything that assay leaves.

    leaks.py --path DIR…

Secrets stand in variables, the environment, requests, headers, URLs, answers, generated text, the
logs of a service that dies and of programs that fail, and in the URLs of webhooks. Every case fails,
so that evidence is shown. Then every output, report, database, log and dead letter is searched for
each of them: as it is, and as it looks percent-encoded, as JSON, in base64 and reversed. A control
that is no secret must be found, so that the search itself is known to find. Prints TAP.
"""

import argparse
import base64
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import urllib.parse
import http.server

# By where it is planted. No common parts of six characters, so that one is not mistaken for another.
SECRETS = {
    "variable": "vAr1aBle-9f3c\"7e &/%",
    "environment": "eNv1r0nm3nt=5d2b81c0",
    "header": "hEaD3r.t0k3n_77aa11",
    "url user": "uRlUs3r:pAssW0rd4242",
    "webhook path": "T0HOOKSECRET/B0/xyz987abc",
    "signature": "s1gn1ngK3y-4b4b4b4b",
}
CONTROL = "c0ntr0l-that-is-no-secret"
count = failed = 0


def check(name, condition, shown=""):
    global count, failed
    count += 1
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} {count} - {name}", flush=True)
    if not condition:
        for line in str(shown).splitlines()[:40]:
            print(f"# {line}")


def spellings(secret):
    """How a secret may look; short pieces of base64 are those that do not depend on neighbours."""
    raw = secret.encode()
    yield raw
    yield urllib.parse.quote(secret, safe="").encode()
    yield json.dumps(secret)[1:-1].encode()
    yield base64.b64encode(raw)[:-4]
    yield raw[::-1]
    # Half of it is as bad.
    yield raw[:len(raw) * 2 // 3]
    yield raw[len(raw) // 3:]


def suite(url):
    """Cases that fail, each with a secret somewhere."""
    echo = ('printf "key=%s %s\\n" "$KEY" "' + CONTROL + '" >&2; '
            'printf "{\\"token\\": \\"%s\\"}" "$KEY"; exit 3')
    wrong = {"status": 418}
    return {
        "name": "leaks",
        "vars": {
            "key": {"value": SECRETS["variable"], "secret": True},
            "env": {"env": "PLANTED", "secret": True},
            "token": {"value": SECRETS["header"], "secret": True},
            "login": {"value": SECRETS["url user"], "secret": True},
        },
        "services": {
            "mirror": {"url": url},
            "dying": {"command": ["sh", "-c", "echo starting with ${key} and $FROM_ENV; sleep 0.05; "
                                              "echo dying of ${token} >&2; exit 7"],
                      "env": {"FROM_ENV": "${env}"},
                      "ready": {"http": "/never", "within": "5s"}},
        },
        "cases": [
            {"id": "variable in a body", "service": "mirror",
             "http": {"post": "/echo", "json": {"k": "${key}", "note": CONTROL}}, "expect": wrong},
            {"id": "environment in a body", "service": "mirror",
             "http": {"post": "/echo", "body": "x=${env}&y"}, "expect": wrong},
            {"id": "in headers", "service": "mirror",
             "http": {"get": "/echo", "headers": {"Authorization": "Bearer ${token}",
                                                  "X-Custom": "a ${env} b", "Cookie": "s=${key}"}},
             "expect": wrong},
            {"id": "in a query", "service": "mirror",
             "http": {"get": "/echo?key=${key}&q=${token}"}, "expect": wrong},
            {"id": "in a url", "http": {"get": url.replace("//", "//${login}@") + "/echo"},
             "expect": wrong},
            {"id": "in a program", "exec": {"shell": echo, "env": {"KEY": "${key}"}},
             "expect": {"exit": 0, "stdout": {"contains": "${token}"}}},
            {"id": "in a matcher", "service": "mirror", "http": {"get": "/echo"},
             "expect": {"json": {"$.path": "${key}"}, "body": {"contains": "${env}"}}},
            {"id": "saved", "steps": [
                {"service": "mirror", "http": {"post": "/echo", "json": {"k": "${key}"}},
                 "save": {"got": "$.body"}},
                {"service": "mirror", "http": {"post": "/echo", "body": "${got}"}, "expect": wrong}]},
            {"id": "of a service that dies", "service": "dying", "http": {"get": "/"},
             "expect": {"status": 200}},
            {"id": "retried", "service": "mirror", "retry": {"attempts": 2, "backoff": "1ms"},
             "http": {"post": "/echo", "json": ["${key}"]}, "expect": {"body": "${token}"}},
        ],
    }


class Mirror(http.server.BaseHTTPRequestHandler):
    """Answers with all that it was sent; /hook… refuses what it is told."""

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.received.append(body)
        text = json.dumps({"path": self.path, "headers": dict(self.headers.items()),
                           "body": body.decode("utf-8", "replace")}).encode()
        self.send_response(400 if self.path.startswith("/T0HOOK") else 200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *arguments):
        pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", action="append", default=[])
    environment = {**os.environ, "PLANTED": SECRETS["environment"], "ASSAY_LOG": "debug",
                   "ASSAY_WEBHOOK_SECRET": SECRETS["signature"]}
    environment["PATH"] = os.pathsep.join([*map(os.path.abspath, parser.parse_args().path), os.environ["PATH"]])
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Mirror)
    server.received = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"

    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        pathlib.Path("suite.json").write_text(json.dumps(suite(url), indent=1))
        formats = ["junit", "json", "jsonl=events.jsonl", "tap=out.tap", "markdown", "html",
                   "github=github.txt", "summary=summary.txt", "summary-json"]
        outputs = {}

        def assay(name, *arguments):
            done = subprocess.run(["assay", *arguments], capture_output=True, env=environment,
                                  timeout=90, check=False)
            outputs[name] = done.stdout + done.stderr
            return done.returncode

        reports = [part for f in formats for part in ("--report", f)]
        hooks = ["--webhook", f"{url}/{SECRETS['webhook path']}",
                 "--webhook", f"slack={url}/hook", "--webhook", f"teams={url}/hook"]
        before = len(server.received)
        status = assay("assay run", "run", "suite.json", "--verbose", "--set",
                       f"key={SECRETS['variable']}", *reports, *hooks)
        told = [body for body in server.received[before:] if b"leaks/" in body]
        check("every case fails, as planted", status in (1, 3) and
              b"0 passed" in outputs["assay run"], outputs["assay run"].decode())
        check("webhooks were told", len(told) >= 3)
        assay("assay plan", "plan", "suite.json", "--json")
        for name in ("report", "history"):
            assay(f"assay {name}", name)
        assay("assay report --verbose", "report", "--verbose")
        assay("assay store export", "store", "export", "--output", "export.jsonl")
        pathlib.Path("suite.json").unlink()
        left = {str(p): p.read_bytes() for p in pathlib.Path(".").rglob("*") if p.is_file()}
        left.update(outputs)
        left.update({f"webhook {i}": body for i, body in enumerate(told)})
        check("reports, the store and a dead letter are there",
              {"junit.xml", "ctrf.json", "events.jsonl", "out.tap", "report.md", "report.html",
               "github.txt", "summary.txt", "summary.json", ".assay/results.db"} <= left.keys() and
              any(name.startswith(".assay/webhooks/") for name in left), sorted(left))
        holding = [name for name, content in left.items() if CONTROL.encode() in content]
        check("what is no secret is found, so the search finds",
              {"assay run", "events.jsonl", "report.html", "junit.xml"} <= set(holding) and
              any(name.startswith(".assay/results.db") for name in holding), holding)
        for where, secret in SECRETS.items():
            found = [f"{name}: …{content[max(0, content.find(s) - 60):content.find(s) + 60]!r}"
                     for name, content in left.items() for s in spellings(secret) if s in content]
            check(f"the secret in the {where} is nowhere", not found, "\n".join(found))
    server.shutdown()
    print(f"1..{count}")
    return 1 if failed else 0


raise SystemExit(main())
