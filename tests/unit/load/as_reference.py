#!/usr/bin/env python3
"""The definitions of five tools, written down once more in Python from their sources (lib/load/as.h says
where), over recorded logs of random streams; what `assay load --from-events --as` says must be the same:
means, extremes, deviations and rates but for rounding, percentiles to 0.4 %.

    as_reference.py ASSAY        (prints TAP)"""

import json
import math
import os
import random
import subprocess
import sys
import tempfile

MS = 1000000


# ---------------------------------------------------------------- recorded logs

def stream(r, sent, per_event):
    """Events of a random answer: roles, reasoning, text, tools, several in one read, counts or none."""
    at, tokens, events = sent, 0, []

    def event(kind, counted=None):
        events.append([at, at + 15000, kind] + ([counted] if counted is not None else []))

    at += r.randint(1 * MS, 60 * MS)
    if r.random() < 0.7:
        event("empty")
    for kind, many in (("reasoning", r.choice([0, 0, 5])), ("text", r.randint(0, 12)),
                       ("tool", r.choice([0, 0, 0, 2]))):
        for _ in range(many):
            if r.random() < 0.8:
                at += r.randint(0, 30 * MS)
            tokens += r.choice([1, 1, 1, 2, 3])
            event(kind, tokens if per_event else None)
    if r.random() < 0.3:
        at += r.randint(0, 5 * MS)
    event("empty")
    if per_event or r.random() < 0.5:
        event("usage", tokens)
        counted = tokens
    else:
        counted = None
    event("done")
    return events, at + r.randint(0, 3 * MS), counted


def record(seed, warmup, duration):
    r = random.Random(seed)
    lines = [{"assay_events": 1,
              "plan": {"url": "http://127.0.0.1/", "api": "chat", "stream": True, "warmup_ns": warmup,
                       "duration_ns": duration, "threads": 1, "concurrency": 1}}]
    for number in range(300):
        intended = r.randint(0, warmup + duration - 1)
        sent = intended + r.randint(0, 2 * MS)
        line = {"number": number, "measured": intended >= warmup, "intended": intended, "sent": sent}
        if r.random() < 0.05:
            line.update(end=sent + 7 * MS, failure="status_5xx", example="status 500", status=500)
        else:
            events, end, counted = stream(r, sent, per_event=number % 3 == 0)
            line.update(first_byte=events[0][0], end=end, status=200, bytes=1, events=events)
            if counted is not None:
                line["tokens"] = counted
            if r.random() < 0.8:
                line["input_tokens"] = r.randint(1, 500)
        lines.append(line)
    lines.append({"outcome": {"measured_ns": duration, "connections": 1}})
    return lines


# ---------------------------------------------------------------- what all tools see

class Request:
    def __init__(self, line):
        self.measured = line["measured"]
        self.intended, self.sent, self.end = line["intended"], line["sent"], line["end"]
        self.failed = "failure" in line
        self.events = line.get("events", [])
        self.usage = line.get("tokens")
        self.input = line.get("input_tokens")
        self.per_event = any(len(e) > 3 and e[2] in CONTENT for e in self.events)
        content = len([e for e in self.events if e[2] in CONTENT])
        self.tokens = self.usage if self.usage is not None else content

    def times(self, kinds):
        return [e[0] for e in self.events if e[2] in kinds]


CONTENT = ("reasoning", "text", "tool")


class Values:
    """A list of (value, weight)."""

    def __init__(self, values):
        self.all = sorted((v, w) for v, w in (v if isinstance(v, tuple) else (v, 1) for v in values)
                          if w > 0)
        self.weight = sum(w for _, w in self.all)

    def mean(self):
        return math.fsum(v * w for v, w in self.all) / self.weight

    def deviation(self, less=0):
        mean = self.mean()
        return math.sqrt(math.fsum(w * (v - mean)**2 for v, w in self.all) / (self.weight - less))

    def flat(self):
        return [v for v, w in self.all for _ in range(w)]

    def linear(self, percent):  # numpy.percentile, pandas.Series.quantile
        flat = self.flat()
        at = percent / 100 * (len(flat) - 1)
        low = math.floor(at)
        high = min(low + 1, len(flat) - 1)
        return flat[low] + (flat[high] - flat[low]) * (at - low)

    def nearest(self, percent):  # guidellm: numpy.searchsorted in the cumulated weights
        flat = self.flat()
        return flat[max(0, math.ceil(percent / 100 * len(flat) - 1e-9) - 1)]

    def value(self, name, sample, nearest):
        if name in ("mean", "avg"):
            return self.mean(), True
        if name in ("std", "std_dev", "stddev"):
            return self.deviation(1 if sample else 0), True
        if name == "min":
            return self.all[0][0], True
        if name == "max":
            return self.all[-1][0], True
        percent = 50 if name == "median" else float(name[1:])
        return (self.nearest if nearest else self.linear)(percent), False


def gaps(times):
    return [b - a for a, b in zip(times, times[1:])]


# ---------------------------------------------------------------- the tools

def vllm(requests, _):
    good = [r for r in requests if r.measured and not r.failed]
    seconds = span(requests, lambda r: r.end)
    rows = {name: [] for name in ("ttft_ms", "tpot_ms", "itl_ms", "e2el_ms")}
    for r in good:
        chunks = r.times(CONTENT + ("empty",))
        rows["ttft_ms"].append((chunks[0] - r.sent) / MS)
        rows["e2el_ms"].append((chunks[-1] - r.sent) / MS)
        rows["itl_ms"] += [g / MS for g in gaps(chunks)]
        if r.tokens > 1:
            rows["tpot_ms"].append((chunks[-1] - chunks[0]) / (r.tokens - 1) / MS)
    output, prompt = sum(r.tokens for r in good), sum(r.input or 0 for r in good)
    return rows, {"completed": len(good), "request_throughput": len(good) / seconds,
                  "output_throughput": output / seconds, "duration": seconds,
                  "total_token_throughput": (output + prompt) / seconds}


def aiperf(requests, _):
    good = [r for r in requests if r.measured and not r.failed]
    rows = {name: [] for name in
            ("time_to_first_token", "time_to_second_token", "time_to_first_output_token",
             "request_latency", "inter_token_latency", "inter_chunk_latency",
             "output_token_throughput_per_user", "output_sequence_length", "input_sequence_length")}

    def last(r):
        return (r.times(CONTENT) or [r.end])[-1]

    for r in good:
        content, answer = r.times(CONTENT), r.times(("text", "tool"))
        rows["request_latency"].append((last(r) - r.sent) / MS)
        rows["output_sequence_length"].append(r.tokens)
        if r.input is not None:
            rows["input_sequence_length"].append(r.input)
        if not content:
            continue
        rows["time_to_first_token"].append((content[0] - r.sent) / MS)
        if answer:
            rows["time_to_first_output_token"].append((answer[0] - r.sent) / MS)
        if len(content) > 1:
            rows["time_to_second_token"].append((content[1] - content[0]) / MS)
        rows["inter_chunk_latency"] += [g / MS for g in gaps(content)]
        if r.tokens > 1:
            itl = (content[-1] - content[0]) / (r.tokens - 1)
            rows["inter_token_latency"].append(itl / MS)
            if itl > 0:
                rows["output_token_throughput_per_user"].append(1e9 / itl)
    seconds = (max(map(last, good)) - min(r.sent for r in good)) / 1e9
    return rows, {"request_count": len(good), "request_throughput": len(good) / seconds,
                  "output_token_throughput": sum(r.tokens for r in good) / seconds}


def guidellm(requests, window):
    low, high = window
    good = [r for r in requests if not r.failed and r.end >= low and r.sent <= high]
    rows = {name: [] for name in
            ("request_latency", "time_to_first_token_ms", "time_to_first_output_token_ms",
             "inter_token_latency_ms", "time_per_output_token_ms", "prompt_token_count",
             "output_token_count")}
    within = 0
    for r in good:
        content, answer = r.times(CONTENT), r.times(("text", "tool"))
        last = content[-1] if content else r.end
        rows["request_latency"].append((r.end - r.sent) / 1e9)
        rows["time_to_first_token_ms"].append((content[0] - r.sent) / MS if content else 0)
        rows["time_to_first_output_token_ms"].append((answer[0] - r.sent) / MS if answer else 0)
        rows["output_token_count"].append(r.tokens)
        if r.input is not None:
            rows["prompt_token_count"].append(r.input)
        if r.tokens > 0:
            rows["time_per_output_token_ms"].append(((last - r.sent) / r.tokens / MS, r.tokens))
        if r.tokens > 1:
            itl = (content[-1] - content[0]) / (r.tokens - 1) / MS if content else 0
            rows["inter_token_latency_ms"].append((itl, r.tokens - 1))
        n = len(content)
        if n <= 1:
            timings = [(last, r.tokens)]
        else:
            timings = [(content[0], 1 if r.tokens else 0)]
            timings += [(content[0] + (content[-1] - content[0]) * i / (n - 1), (r.tokens - 1) / (n - 1))
                        for i in range(1, n)]
        within += sum(w for at, w in timings if low <= at <= high)
    seconds = (high - low) / 1e9
    return rows, {"successful": len(good),
                  "requests_per_second": len([r for r in good if low <= r.end <= high]) / seconds,
                  "output_tokens_per_second": within / seconds}


def inference_perf(requests, _):
    measured = [r for r in requests if r.measured]
    good = [r for r in measured if not r.failed]
    seconds = span(measured, lambda r: r.end)
    rows = {name: [] for name in
            ("schedule_delay", "request_latency", "normalized_time_per_output_token",
             "time_per_output_token", "time_to_first_token", "inter_token_latency")}
    rows["schedule_delay"] = [(r.sent - r.intended) / 1e9 for r in measured]
    for r in good:
        times, before = [], 0
        texts = len([e for e in r.events if e[2] == "text"])
        seen = 0
        for e in r.events:
            counted = len(e) > 3 and e[2] in CONTENT
            tokens = e[3] - before if counted else 1
            before = e[3] if counted else before
            if e[2] != "text":
                continue
            if not r.per_event and r.usage is not None:
                tokens = r.usage // texts + (seen < r.usage % texts)
            seen += 1
            times += [e[0]] * tokens
        rows["request_latency"].append((r.end - r.sent) / 1e9)
        rows["normalized_time_per_output_token"].append(
            (r.end - r.sent) / r.tokens / 1e9 if r.tokens else 0)
        if len(times) <= 1:
            continue
        rows["time_to_first_token"].append((times[0] - r.sent) / 1e9)
        rows["inter_token_latency"] += [g / 1e9 for g in gaps(times)]
        if r.tokens > 1:
            rows["time_per_output_token"].append((times[-1] - times[0]) / (r.tokens - 1) / 1e9)
    output, prompt = sum(r.tokens for r in good), sum(r.input or 0 for r in good)
    return rows, {"successes": len(good), "failures": len(measured) - len(good),
                  "requests_per_sec": len(good) / seconds, "output_tokens_per_sec": output / seconds,
                  "total_tokens_per_sec": (output + prompt) / seconds}


def llmperf(requests, _):
    measured = [r for r in requests if r.measured]
    good = [r for r in measured if not r.failed]
    seconds = span(measured, lambda r: r.end)
    rows = {name: [] for name in
            ("inter_token_latency_s", "ttft_s", "end_to_end_latency_s",
             "request_output_throughput_token_per_s", "number_output_tokens")}
    for r in good:
        texts = r.times(("text",))
        events = len([e for e in r.events if e[2] not in ("bytes", "done")])
        rows["ttft_s"].append((texts[0] - r.sent) / 1e9 if texts else 0)
        rows["inter_token_latency_s"].append(
            (texts[-1] - r.sent) / 1e9 / events if texts and r.tokens else 0)
        rows["end_to_end_latency_s"].append((r.end - r.sent) / 1e9)
        rows["request_output_throughput_token_per_s"].append(r.tokens / ((r.end - r.sent) / 1e9))
        rows["number_output_tokens"].append(r.tokens)
    return rows, {"num_requests_started": len(measured),
                  "num_completed_requests_per_min": len(good) / seconds * 60,
                  "mean_output_throughput_token_per_s": sum(r.tokens for r in good) / seconds}


def span(requests, end):
    measured = [r for r in requests if r.measured]
    return (max(map(end, measured)) - min(r.sent for r in measured)) / 1e9


TOOLS = {"vllm": vllm, "aiperf": aiperf, "guidellm": guidellm, "inference-perf": inference_perf,
         "llmperf": llmperf}


# ---------------------------------------------------------------- side by side

def compare(tool, got, requests, window):
    """What differs."""
    rows, whole = TOOLS[tool](requests, window)
    for name, value in whole.items():
        if not math.isclose(got[name], value, rel_tol=1e-9):
            yield f"{name}: {got[name]} instead of {value}"
    for name, values in rows.items():
        if tool == "vllm":
            shown = {s: got[f"{s}_{name}"] for s in ("mean", "median", "std", "p99")}
        else:
            shown = got[name]
        for statistic, value in shown.items():
            wanted, exact = Values(values).value(statistic, tool == "llmperf", tool == "guidellm")
            tolerance = 1e-9 if exact else 0.004
            if not math.isclose(value, wanted, rel_tol=tolerance, abs_tol=1e-9):
                yield f"{name} {statistic}: {value} instead of {wanted}"


def main():
    assay, number = sys.argv[1], 0
    print(f"1..{len(TOOLS)}")
    with tempfile.TemporaryDirectory() as folder:
        path, out = os.path.join(folder, "events.jsonl"), os.path.join(folder, "out.json")
        warmup, duration = 500 * MS, 3000 * MS
        lines = record(20, warmup, duration)
        with open(path, "w", encoding="utf-8") as f:
            f.writelines(json.dumps(line, separators=(",", ":")) + "\n" for line in lines)
        requests = [Request(line) for line in lines[1:-1]]
        for tool in TOOLS:
            number += 1
            subprocess.run([assay, "load", "--from-events", path, "--as", tool, "--json", out],
                           stdout=subprocess.DEVNULL, check=False)
            with open(out, encoding="utf-8") as f:
                got = json.load(f)["as"]
            faults = list(compare(tool, got, requests, (warmup, warmup + duration)))
            for fault in faults:
                print("#", fault)
            print("not ok" if faults else "ok", number, "-", tool, "is as its source defines it")
            sys.stdout.flush()


main()
