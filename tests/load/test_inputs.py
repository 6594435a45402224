#!/usr/bin/env python3
"""What `assay load` asks, and when: a server keeps every request it gets.

    test_inputs.py ASSAY

Prints TAP. Nothing here depends on how fast this machine is: counts and contents are looked at, and
times only where they were written down before anything was sent.
"""

import collections
import itertools
import json
import pathlib
import socketserver
import subprocess
import sys
import tempfile
import threading

ASSAY = sys.argv[1]
CHAT, COMPLETE, EXECUTE = "/v1/chat/completions", "/v1/completions", "/execute"
BELIEVE = ["--lag", "1h", "--quiet", "--store", "none"]


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def events(*data):
    body = "".join(f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n" for event in data)
    return "text/event-stream", body


class Service:
    """Gives every request an answer of its own, and keeps both."""

    def __init__(self, refuse=lambda body: False):
        service = self
        self.bodies, self.raw, self.answers = [], [], {}
        self.numbers = itertools.count(1)
        self.refuse = refuse
        self.lock = threading.Lock()

        class Handler(socketserver.StreamRequestHandler):
            disable_nagle_algorithm = True

            def handle(self):
                while line := self.rfile.readline():
                    path, length = line.split()[1].decode(), 0
                    while (header := self.rfile.readline()) not in (b"\r\n", b""):
                        name, _, value = header.partition(b":")
                        if name.lower() == b"content-length":
                            length = int(value)
                    self.wfile.write(service.answer(path, self.rfile.read(length)))

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 128

            def handle_error(self, *_):
                pass  # the client went

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, path, raw):
        body = json.loads(raw)
        with self.lock:
            words = [f'answer "{next(self.numbers)}"', " é\n", "\U0001f600\\"]
            self.raw.append(raw)
            self.bodies.append(body)
            self.answers[json.dumps(body.get("messages", body.get("prompt")))] = "".join(words)
        if self.refuse(body):
            return b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        kind, text = self.form(path, body, words)
        text = text.encode()
        return f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(text)}\r\n\r\n".encode() + text

    @staticmethod
    def form(path, body, words):
        usage = {"prompt_tokens": 1, "completion_tokens": len(words)}
        if path == EXECUTE:
            return events(*[{"type": "token", "t": word} for word in words], {"type": "end", "tokens_out": 3})
        if not body.get("stream"):
            whole = {"message": {"content": "".join(words)}} if path == CHAT else {"text": "".join(words)}
            return "application/json", json.dumps({"choices": [{"index": 0, "finish_reason": "stop", **whole}],
                                                   "usage": usage})
        parts = [{"delta": {"content": word}} if path == CHAT else {"text": word} for word in words]
        return events(*[{"choices": [{"index": 0, "finish_reason": None, **part}]} for part in parts],
                      {"choices": [{"index": 0, "finish_reason": "stop", "delta": {}, "text": ""}], "usage": usage},
                      "[DONE]")


class Run:
    """One `assay load` with its results."""

    def __init__(self, *options):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "load.json")
            done = subprocess.run([ASSAY, "load", "--store", "none", "--json", path, *BELIEVE, *options], text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)
            text = path.read_text(encoding="utf-8") if path.exists() else ""
        self.status, self.output = done.returncode, done.stdout
        self.json = json.loads(text) if text else None
        # INVALID is for a machine that is too busy, which must not matter here.
        self.well = self.status in (0, 3) and self.json and self.json["answered"] == self.json["requests"] > 0


def lines(*rows):
    file = tempfile.NamedTemporaryFile("w", suffix=".jsonl")
    file.write("".join(json.dumps(row) + "\n" for row in rows))
    file.flush()
    return file


def schedule(*options):
    """Lines of (intended time, item, hash), and the bytes they were read from."""
    done = subprocess.run([ASSAY, "load", "--url", "http://127.0.0.1:9" + CHAT, "--print-schedule", *options],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False)
    expect(done.returncode == 0, done.stdout)
    return [tuple(line.split(b" ")) for line in done.stdout.splitlines()], done.stdout


def fnv(data):
    """FNV-1a, 64 bits."""
    value = 0xcbf29ce484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001b3 % 2**64
    return b"%016x" % value


def prompts_of_a_file_are_asked_in_its_order():
    rows = [{"prompt": 'one "1"', "max_tokens": 3}, {"messages": [{"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "two"}]}], "model": "m"}, {"text": "three"}]
    with Service() as service, lines(*rows) as file:
        run = Run("--url", service.url + CHAT, "--prompts", file.name, "-c", "1", "--duration", "300ms")
    expect(run.well and len(service.bodies) >= 3, run.output)
    for number, body in enumerate(service.bodies):
        row = rows[number % 3]
        messages = row.get("messages") or [{"role": "user", "content": row.get("prompt") or row.get("text")}]
        expect(body["messages"] == messages, f"{number}: {body}")
        expect(body["max_tokens"] == row.get("max_tokens", 128), body)
        expect(body["model"] == row.get("model", "default"), body)
    expect(run.json["metrics"]["input_tokens"]["max"] == 1, run.output)


def a_seed_sends_the_same_bodies_at_the_same_times_with_any_number_of_threads():
    options = ["--rate", "400", "--duration", "250ms", "--warmup", "100ms", "--prompt-tokens", "lognormal:20,10",
               "--output-tokens", "uniform:2..9", "--shared-prefix", "8", "--distinct", "40", "--order", "random"]
    first, text = schedule(*options, "--seed", "5")
    for threads in "1", "2", "7":
        expect(schedule(*options, "--seed", "5", "--threads", threads)[1] == text, f"{threads} threads differ")
    other = schedule(*options, "--seed", "6")[0]
    expect(not {at for at, _, _ in first[1:]} & {at for at, _, _ in other[1:]}, "times of another seed")
    expect(not {body for _, _, body in first} & {body for _, _, body in other}, "bodies of another seed")
    for threads in "1", "3":
        with Service() as service:
            run = Run("--url", service.url + CHAT, *options, "--seed", "5", "--threads", threads)
        expect(run.well, run.output)
        expect(collections.Counter(map(fnv, service.raw)) == collections.Counter(body for _, _, body in first),
               f"{threads} threads sent something else")


def a_trace_is_replayed_as_it_was_recorded():
    rows = [{"timestamp": 500 + at, "input_length": length, "output_length": most, "hash_ids": ids}
            for at, length, most, ids in ((0, 600, 4, [7, 8]), (90, 530, 5, [7, 9]), (300, 12, 6, [1]))]
    with Service() as service, lines(*rows) as file:
        times = [int(at) for at, _, _ in schedule("--trace", file.name, "--speed", "2")[0]]
        expect(times == [0, 45_000_000, 150_000_000], times)
        run = Run("--url", service.url + COMPLETE, "--trace", file.name, "--speed", "2")
    expect(run.well and run.json["answered"] == 3, run.output)
    prompts = {body["max_tokens"]: body["prompt"].split(" ") for body in service.bodies}
    expect([len(prompts[most]) for most in (4, 5, 6)] == [600, 530, 12], prompts)
    expect(prompts[4][:512] == prompts[5][:512] and prompts[4][512:518] != prompts[5][512:518], prompts)


def users_think_before_they_ask_again():
    with Service() as service:
        run = Run("--url", service.url + CHAT, "-c", "3", "--think", "100ms", "--duration", "450ms")
    # Each at once, and then every tenth of a second at most.
    expect(run.well and 3 <= len(service.bodies) <= 3 * 5, f"{len(service.bodies)}: {run.output}")
    expect(run.json["metrics"]["schedule_delay"]["count"] == run.json["requests"], run.output)
    rests = Run("--url", service.url + CHAT, "--rate", "5", "--think", "100ms")
    expect(rests.status == 2 and "--turns" in rests.output, rests.output)


def conversations_go_on_from_the_answers_that_came():
    for path, options in ((CHAT, ["--stream"]), (CHAT, []), (COMPLETE, ["--stream"]), (EXECUTE, [])):
        with Service() as service:
            run = Run("--url", service.url + path, *options, "--turns", "3", "--prompt-tokens", "uniform:2..5",
                      "--system", "be\nnice", "-c", "2", "--duration", "300ms", "--think", "exponential:1ms")
        expect(run.well and run.json["conversations"]["complete"] > 0, run.output)
        turns = collections.Counter()
        for body in service.bodies:
            asked = body.get("messages") or body["prompt"]
            if path == CHAT:
                turns[len(asked) // 2] += 1
                expect(asked[0] == {"role": "system", "content": "be\nnice"}, asked)
                for at, message in enumerate(asked):
                    expect(message["role"] == ("system" if at == 0 else "user" if at % 2 else "assistant"), asked)
                    if message["role"] == "assistant":
                        expect(message["content"] == service.answers[json.dumps(asked[:at])], asked)
            else:
                parts = asked.split("\n\n")
                turns[len(parts) // 2] += 1
                for at in range(2, len(parts), 2):
                    expect(parts[at] == service.answers[json.dumps("\n\n".join(parts[:at]))], asked)
        expect(turns[1] >= turns[2] >= turns[3] > 0 and sum(turns.values()) == len(service.bodies), turns)
        if path == EXECUTE:
            expect(len({body["job_id"] for body in service.bodies}) == len(service.bodies), "job ids come twice")
        if run.json["plan"]["stream"]:
            of_turns = [run.json["metrics"]["ttft_" + name]["count"] for name in ("first_turn", "later_turns")]
            expect(of_turns == [turns[1], turns[2] + turns[3]], f"{of_turns}, {turns}")


def arrivals_begin_conversations_and_a_failed_turn_ends_one():
    with Service(refuse=lambda body: len(body["messages"]) > 1) as service:
        run = Run("--url", service.url + CHAT, "--rate", "50", "--arrivals", "constant", "--duration", "300ms",
                  "--turns", "3")
    firsts = [body for body in service.bodies if len(body["messages"]) == 1]
    later = [body for body in service.bodies if len(body["messages"]) > 1]
    expect(len(firsts) == 15, len(firsts))
    expect(later and {len(body["messages"]) for body in later} == {3}, later)
    expect(run.json["errors"]["status_5xx"]["count"] == len(later), run.output)
    expect(run.json["conversations"] == {"complete": 0, "failed": len(later)}, run.output)


def what_is_wrong_with_a_file_says_where():
    with lines({"prompt": "a"}, {"nothing": 1}) as file:
        for options in (["--prompts", file.name], ["--trace", file.name]):
            run = Run("--url", "http://127.0.0.1:9" + CHAT, *options)
            where = f"{file.name}:{2 if '--prompts' in options else 1}: "
            expect(run.status == 2 and where in run.output, run.output)
    run = Run("--url", "http://127.0.0.1:9/health", "--prompt-tokens", "5")
    expect(run.status == 2 and "--api" in run.output, run.output)


TESTS = [value for name, value in list(globals().items()) if callable(value) and name.count("_") > 2]

print(f"1..{len(TESTS)}")
failed = 0
for index, test in enumerate(TESTS, 1):
    try:
        test()
        verdict = "ok"
    except (Failed, subprocess.SubprocessError, KeyError, TypeError, OSError) as fault:
        verdict = "not ok"
        failed += 1
        for line in f"{type(fault).__name__}: {fault}".splitlines():
            print("#", line)
    print(f"{verdict} {index} - {test.__name__.replace('_', ' ')}", flush=True)
sys.exit(failed > 0)
