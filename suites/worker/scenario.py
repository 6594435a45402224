#!/usr/bin/env python3
"""What a step of a suite cannot do alone: the life of a whole worker, from its start to its exit
status. Each scenario starts a worker of its own and prints what was seen as JSON.

    scenario.py ready-callback STATUS     it calls back; the call is answered with STATUS
    scenario.py drain                     POST /shutdown while a job runs
    scenario.py drain-twice               the same, and again
    scenario.py sigterm                   SIGTERM while a job runs
    scenario.py leave                     a client goes away in the middle of a stream
    scenario.py port-taken                a second worker on the port of the first
    scenario.py growth                    memory and descriptors over a thousand jobs
    scenario.py crash ENGINE              an engine that crashes
    scenario.py minute                    the minute of this hour in words
"""

import http.client
import http.server
import json
import os
import signal
import subprocess
import sys
import time

WORKER = ["assay-worker", "--stub-mode"]
JOB = {"job_id": "j", "prompt": "go on", "max_tokens": 40}


class Worker:
    """A running worker; `with` ends it."""

    def __init__(self, *options):
        self.process = subprocess.Popen(WORKER + ["--port", "0", *options], text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.port = None

    def listen(self):
        line = self.process.stdout.readline()
        self.port = int(line.rsplit(":", 1)[1])
        return self

    def __enter__(self):
        return self.listen()

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()

    def ask(self, method, path, body=None, headers=None):
        """(status, what was answered as JSON)."""
        return ask(self.port, method, path, body, headers)

    def job(self, delay_ms):
        """A stream that has begun: the connection and its answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("POST", "/execute", json.dumps(JOB), {
            "Content-Type": "application/json", "X-Assay-Delay-Ms": str(delay_ms)})
        answer = connection.getresponse()
        answer.readline()  # it is under way when its first bytes have come
        return connection, answer


def ask(port, method, path, body=None, headers=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, None if body is None else json.dumps(body),
                       {"Content-Type": "application/json", **(headers or {})})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, text


def stop_reason(answer):
    """Why the stream ended: its last event."""
    last = [line for line in answer.read().decode().split("\n") if line.startswith("data: ")][-1]
    return json.loads(last[6:]).get("stop_reason")


def ready_callback(status):
    seen = {}

    class Caller(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            port = int(body["uri"].rsplit(":", 1)[1])
            seen.update(path=self.path, content_type=self.headers["Content-Type"], body=body,
                        during=ask(port, "GET", "/health"), port=port)
            self.send_response(int(status))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Caller)
    worker = Worker("--worker-id", "w-1", "--model", "models/m.gguf", "--callback-url",
                    f"http://127.0.0.1:{server.server_port}/v2/internal/workers/ready?a=b")
    server.timeout = 30
    server.handle_request()
    if status == "200":
        deadline = time.monotonic() + 30
        while (after := ask(seen["port"], "GET", "/health"))[1]["state"] == "starting":
            if time.monotonic() > deadline:
                break
            time.sleep(0.01)
        seen["after"] = after
        worker.process.terminate()
    _, errors = worker.process.communicate(timeout=30)
    return seen | {"exit": worker.process.returncode, "errors": errors}


def drain(end):
    with Worker() as worker:
        connection, answer = worker.job(delay_ms=10)
        begun = time.monotonic()
        seen = {"shutdown": end(worker)}
        seen["execute"] = worker.ask("POST", "/execute", JOB | {"job_id": "other"})
        seen["health"] = worker.ask("GET", "/health")
        seen["job"] = stop_reason(answer)
        connection.close()
        seen["exit"] = worker.process.wait(30)
        seen["seconds"] = time.monotonic() - begun
        return seen


def shut_down(worker):
    return worker.ask("POST", "/shutdown")


def shut_down_twice():
    with Worker() as worker:
        connection, answer = worker.job(delay_ms=1000)
        begun = time.monotonic()
        seen = {"first": shut_down(worker), "second": shut_down(worker), "job": stop_reason(answer)}
        connection.close()
        seen["exit"] = worker.process.wait(30)
        seen["seconds"] = time.monotonic() - begun
        return seen


def terminate(worker):
    """The signal is heard when the state says so."""
    worker.process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + 30
    while worker.ask("GET", "/health")[1]["state"] != "draining" and time.monotonic() < deadline:
        time.sleep(0.001)
    return None


def leave():
    """How many milliseconds until a worker has noticed that the client of a job is gone."""
    with Worker() as worker:
        connection, answer = worker.job(delay_ms=5)
        before = worker.ask("GET", "/health")[1]["state"]
        answer.close()
        connection.close()
        begun = time.monotonic()
        while worker.ask("GET", "/health")[1]["state"] == "busy" and time.monotonic() < begun + 30:
            time.sleep(0.001)
        noticed = time.monotonic() - begun
        metrics = worker.ask("GET", "/metrics")[1]
        return {"before": before, "noticed_ms": noticed * 1000,
                "cancelled": 'worker_requests_total{outcome="cancelled"} 1' in metrics,
                "again": worker.ask("POST", "/execute", JOB)[0]}


def port_taken():
    with Worker() as worker:
        second = subprocess.run(WORKER + ["--port", str(worker.port)], capture_output=True,
                                text=True, timeout=30, check=False)
        return {"exit": second.returncode, "errors": second.stderr,
                "first": worker.ask("GET", "/health")[0]}


def growth():
    """Memory in KiB and open files, after 100 jobs that warm up and after 1000 more."""
    with Worker() as worker:
        def jobs(count):
            for _ in range(count):
                worker.ask("POST", "/execute", JOB)

        def held():
            process = f"/proc/{worker.process.pid}"
            with open(f"{process}/status", encoding="ascii") as file:
                resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
            return resident, len(os.listdir(f"{process}/fd"))

        jobs(100)
        resident, files = held()
        jobs(1000)
        resident_after, files_after = held()
        return {"resident_kib": resident, "grown_kib": resident_after - resident,
                "files_grown": files_after - files}


def crash(engine):
    with Worker("--engine", engine, "--model", "crash") as worker:
        try:
            worker.ask("POST", "/execute", JOB)
        except (http.client.HTTPException, OSError):
            pass  # what it was is in the exit status
        _, errors = worker.process.communicate(timeout=30)
        return {"exit": worker.process.returncode, "errors": errors}


def minute():
    small = ("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
             "fifteen sixteen seventeen eighteen nineteen").split()
    tens, ones = divmod(time.localtime().tm_min, 10)
    if tens < 2:
        return {"minute": small[10 * tens + ones]}
    word = ["twenty", "thirty", "forty", "fifty"][tens - 2]
    return {"minute": word + (f"-{small[ones]}" if ones else "")}


def main():
    scenarios = {
        "ready-callback": lambda: ready_callback(sys.argv[2]),
        "drain": lambda: drain(shut_down),
        "drain-twice": shut_down_twice,
        "sigterm": lambda: drain(terminate),
        "leave": leave,
        "port-taken": port_taken,
        "growth": growth,
        "crash": lambda: crash(sys.argv[2]),
        "minute": minute,
    }
    signal.alarm(25)  # nothing here may hang
    print(json.dumps(scenarios[sys.argv[1]](), ensure_ascii=False))


if __name__ == "__main__":
    main()
