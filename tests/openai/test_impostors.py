#!/usr/bin/env python3
"""The ready-made suites can fail: against servers that give one and the same answer to everything, no case
passes but those listed here. Prints TAP.

    test_impostors.py SUITES-FOLDER"""

import http.server
import re
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

# Their rule is a status and nothing more.
MAY_PASS = {"kserve/health/the server is live", "kserve/health/the server is ready",
            "kserve/health/a model is ready"}

ANSWERS = {
    "an empty object": (200, "application/json", b"{}"),
    "an empty stream": (200, "text/event-stream", b""),
    "a stream that ends at once": (200, "text/event-stream", b"data: [DONE]\n\n"),
    "a refusal without an error": (400, "application/json", b'{"errors":[]}'),
    "a path that does not exist": (404, "application/json", b"{}"),
}


def impostor(status, content_type, body):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = 1 << 16  # head and body in one segment

        def answer(self):
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(b"" if self.command == "HEAD" else body)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = answer

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def found_out(answer):
    """What came of all suites against one impostor: the names of the cases that pass, how many cases
    there are, and whether that is as it must be."""
    server = impostor(*answer)
    url = f"http://127.0.0.1:{server.server_port}"
    done = subprocess.run(
        ["assay", "run", *(f"{sys.argv[1]}/{suite}" for suite in ("worker", "openai", "kserve")),
         "--set", f"url={url}", "--filter", "tag != reference", "--store", "none", "--quiet", "--jobs", "16",
         "--report", "tap=-"], capture_output=True, text=True, check=False, timeout=240)
    server.shutdown()
    passed = set(re.findall(r"^ok \d+ - (.*?)(?: #.*)?$", done.stdout, re.MULTILINE))
    count = len(re.findall(r"^(?:not )?ok ", done.stdout, re.MULTILINE))
    return passed, count, not passed - MAY_PASS and done.returncode == 1 and count >= 300


failed = 0
with ThreadPoolExecutor(len(ANSWERS)) as pool:  # most of the time is waiting
    outcomes = list(pool.map(found_out, ANSWERS.values()))
for number, (name, (passed, count, good)) in enumerate(zip(ANSWERS, outcomes), 1):
    for case in sorted(passed - MAY_PASS):
        print(f"# it passes: {case}")
    print(f"# {count} cases, {len(passed)} passed")
    print(f"{'ok' if good else 'not ok'} {number} - a server that answers everything with {name} is found out")
    failed += not good
print(f"1..{len(ANSWERS)}")
sys.exit(failed > 0)
