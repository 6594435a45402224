#!/usr/bin/env python3
"""A service that answers every other request with a refusal that would like to be markup."""

import http.server
import itertools

NASTY = b"<script>alert(1)</script><img src=x onerror=alert(2)></pre><b><i>\x1b[31m\xff"
count = itertools.count()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = NASTY if next(count) % 2 else b"fine"
        self.send_response(400 if body is NASTY else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
