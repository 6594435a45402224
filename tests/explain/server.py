#!/usr/bin/env python3
"""A server that goes wrong in its own ways: server.py PORT, and what happens depends on the path."""

import http.server
import os
import socket
import sys
import time


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/raise":
            raise RuntimeError("the weights are not there")
        if self.path == "/abort":
            os.abort()
        if self.path == "/exit":
            os._exit(17)
        if self.path == "/hang":
            time.sleep(60)
        if self.path == "/memory":
            bytearray(1 << 40)
        if self.path == "/gpu":
            print("RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB", file=sys.stderr, flush=True)
            self.send_error(500)
            return
        body = b"<html>all is well</html>"
        self.send_response(302 if self.path == "/moved" else 200)
        self.send_header("Content-Type", "application/json" if self.path == "/html" else "text/html")
        self.send_header("Content-Length", str(len(body) + (5 if self.path == "/short" else 0)))
        self.end_headers()
        self.wfile.write(body)


port = int(sys.argv[1])
if len(sys.argv) > 2:  # somebody has the port already
    taken = socket.socket()
    taken.bind(("127.0.0.1", port))
    taken.listen()
http.server.HTTPServer.allow_reuse_address = False
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
