#!/usr/bin/env python3
"""Webhooks, received by a real HTTP server that verifies their signature with its own HMAC.

    webhook.py --path DIR…

Runs that fail, stop failing and stay as they are tell their webhooks; receivers that answer with an
error, ask for time or are gone are tried again or leave a dead letter. Prints TAP.
"""

import argparse
import base64
import hashlib
import hmac
import http.server
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading

SECRET = "a secret for the signature"
count = failed = 0


def check(name, condition, shown=""):
    global count, failed
    count += 1
    failed += not condition
    print(f"{'ok' if condition else 'not ok'} {count} - {name}", flush=True)
    if not condition:
        for line in str(shown).splitlines():
            print(f"# {line}")


class Receiver:
    """Keeps what it is sent; answers with the statuses in `plan`, then 204."""

    def __init__(self, plan=(), headers=()):
        received = self.received = []
        plan, headers = list(plan), dict(headers)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                received.append((self.path, dict(self.headers.items()), body))
                status = plan.pop(0) if plan else 204
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def messages(self):
        return [json.loads(body) for _, _, body in self.received]

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def signature_of(secret, headers, body):
    names = {name.lower(): value for name, value in headers.items()}
    text = f"{names['webhook-id']}.{names['webhook-timestamp']}.".encode() + body
    mac = base64.b64encode(hmac.new(secret, text, hashlib.sha256).digest()).decode()
    return names["webhook-signature"], f"v1,{mac}"


def suite(folder, **exits):
    """A suite whose cases are programs that end with the given statuses."""
    cases = [{"id": name, "exec": {"shell": f"exit {status}"}, "expect": {"exit": 0}}
             for name, status in exits.items()]
    path = pathlib.Path(folder, "suite.json")
    path.write_text(json.dumps({"name": "hooked", "cases": cases}, indent=1))
    return str(path)


def assay(folder, *arguments, **environment):
    return subprocess.run(["assay", *arguments], cwd=folder, capture_output=True, text=True,
                          env={**os.environ, **environment}, timeout=60, check=False)


def told_when_it_matters(folder):
    receiver = Receiver()
    hook = ["--webhook", receiver.url + "/hook", "--webhook-when", "changes"]
    ran = assay(folder, "run", suite(folder, good=0, bad=1, worse=2), *hook)
    check("a run tells and ends as it would without", ran.returncode == 1, ran.stdout + ran.stderr)
    first = receiver.messages()[-1] if receiver.received else {}
    check("what fails first is new", first.get("new_failure_count") == 2 and
          [c["new"] for c in first["failures"]] == [True, True], first)
    check("the summary has the counts",
          first.get("summary") == "2 of 3 cases failed, 2 of them new", first)
    check("a case says why and how to run it again",
          "status" in json.dumps(first["failures"][0]) and
          first["failures"][0]["rerun"].startswith("assay run"), first)
    assay(folder, "run", suite(folder, good=0, bad=1, worse=2), *hook)
    check("nothing changed, nobody is told", len(receiver.received) == 1, receiver.messages())
    assay(folder, "run", suite(folder, good=0, bad=1, worse=0), *hook)
    last = receiver.messages()[-1]
    check("what passes again is told as fixed", len(receiver.received) == 2 and
          [c["key"] for c in last["fixed"]] == ["hooked/worse"] and last["new_failure_count"] == 0,
          last)
    assay(folder, "run", suite(folder, good=0), "--webhook", receiver.url, "--webhook-when",
          "failures")
    check("without a failure, --webhook-when failures is silent", len(receiver.received) == 2)
    receiver.close()


def signed(folder):
    receiver = Receiver()
    secrets = [(SECRET, SECRET.encode()),
               ("whsec_" + base64.b64encode(b"\x00\x01 bytes \xff").decode(), b"\x00\x01 bytes \xff")]
    for secret, key in secrets:
        assay(folder, "run", suite(folder, good=0), "--webhook", receiver.url,
              ASSAY_WEBHOOK_SECRET=secret)
        _, headers, body = receiver.received[-1]
        given, right = signature_of(key, headers, body)
        check(f"signed with {'base64 behind whsec_' if secret != SECRET else 'the bytes given'}",
              given == right, f"{given} is not {right}")
    kept = pathlib.Path(folder, ".assay", "results.db").read_bytes()
    check("the secret is not in the store", SECRET.encode() not in kept)
    wrong = assay(folder, "run", suite(folder, good=0), "--webhook", receiver.url,
                  ASSAY_WEBHOOK_SECRET="whsec_no base64!")
    check("a secret that is none is said", "whsec_" in wrong.stderr, wrong.stderr)
    receiver.close()


def in_every_form(folder):
    receiver = Receiver()
    run = assay(folder, "run", suite(folder, **{"a<b>&c *x*": 1}),
                "--webhook", f"slack={receiver.url}/services/T0/B0/tokentokentoken",
                "--webhook", "teams=$TEAMS_URL", TEAMS_URL=receiver.url + "/workflows/sig")
    slack, teams = receiver.messages()
    text = json.dumps(slack)
    check("Slack gets blocks and a text", slack["text"].startswith(":x: 1 of 1 cases failed") and
          slack["blocks"][0]["type"] == "section", text)
    check("what a case is called is no markup in Slack", "a&lt;b&gt;&amp;c" in text, text)
    card = teams["attachments"][0]
    check("Teams gets an Adaptive Card from $NAME",
          card["contentType"] == "application/vnd.microsoft.card.adaptive" and
          card["content"]["body"][0]["text"].startswith("1 of 1 cases failed"), teams)
    check("what a case is called is no markup in Teams", "\\\\*x\\\\*" in json.dumps(teams), teams)
    assay(folder, "run", suite(folder, **{f"{'&' * 190}{i}": 1 for i in range(12)}),
          "--webhook", f"slack={receiver.url}")
    sections = [block["text"]["text"] for block in receiver.messages()[-1]["blocks"]]
    check("no section is longer than Slack takes, and what is left out is counted",
          max(map(len, sections)) <= 3000 and sections[1].endswith("… and 10 more"), sections)
    kept = pathlib.Path(folder, ".assay", "results.db").read_bytes()
    check("the path of a URL is shown and kept nowhere", b"tokentokentoken" not in kept and
          "tokentokentoken" not in run.stdout + run.stderr)
    receiver.close()


def tried_again(folder):
    receiver = Receiver(plan=[500, 429], headers={"Retry-After": "1"})
    assay(folder, "run", suite(folder, good=0), "--webhook", receiver.url)
    ids = {headers["webhook-id"] for _, headers, _ in receiver.received}
    check("500 and 429 are tried again, as one message", len(receiver.received) == 3 and
          len(ids) == 1, receiver.received)
    receiver.close()

    receiver = Receiver(plan=[400] * 9)
    run = assay(folder, "run", suite(folder, good=0), "--webhook", receiver.url + "/very/secret")
    check("400 is not tried again", len(receiver.received) == 1)
    check("what was not delivered is said, without the path of the URL",
          "the receiver answered 400" in run.stderr and "secret" not in run.stderr and
          run.returncode == 0, run.stderr)
    letters = list(pathlib.Path(folder, ".assay", "webhooks").iterdir())
    letter = json.loads(letters[0].read_text())
    check("a dead letter keeps the message", len(letters) == 1 and letter["tries"] == 1 and
          json.loads(letter["body"]) == receiver.messages()[0] and
          letters[0].stat().st_mode & 0o77 == 0, letter)
    receiver.close()

    again = Receiver()
    run = assay(folder, "report", letter["run"], "--webhook", again.url)
    check("`assay report RUN --webhook` sends it again, and nothing else",
          again.messages() == [json.loads(letter["body"])] and run.stdout == "", run.stdout)
    again.close()

    with socket.socket() as nobody:  # bound and not listening: connections are refused
        nobody.bind(("127.0.0.1", 0))
        run = assay(folder, "run", suite(folder, good=0), "--webhook",
                    f"http://127.0.0.1:{nobody.getsockname()[1]}")
    check("a receiver that is gone is tried 4 times", "(4 tries)" in run.stderr and
          run.returncode == 0, run.stderr)


def refused(folder):
    for target, said in (("pager=https://x", "json, slack and teams"), ("ftp://x", "https://"),
                         ("$NOT_THERE", "NOT_THERE in the environment")):
        run = assay(folder, "run", suite(folder, good=0), "--webhook", target)
        check(f"--webhook {target} is refused before anything runs",
              run.returncode == 2 and said in run.stderr and run.stdout == "",
              run.stdout + run.stderr)
    run = assay(folder, "run", suite(folder, good=0), "--store", "none", "--webhook", "http://x",
                "--webhook-when", "changes")
    check("changes need a store", run.returncode == 2 and "--store none" in run.stderr, run.stderr)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--path", action="append", default=[])
    os.environ["PATH"] = os.pathsep.join([*map(os.path.abspath, parser.parse_args().path), os.environ["PATH"]])
    for scene in (told_when_it_matters, signed, in_every_form, tried_again, refused):
        with tempfile.TemporaryDirectory() as folder:
            scene(folder)
    print(f"1..{count}")
    return 1 if failed else 0


raise SystemExit(main())
