#!/usr/bin/python3
"""A client of event streams as they are usually written over asyncio and aiohttp (Debian's), to stand beside
assay in bench/load/streams.sh: a task a stream, JSON parsed, a time taken for each event as it is read.

    client_aiohttp.py URL STREAMS SECONDS       prints JSON as bench/load/gaps.c does, and what it used
"""

import array
import asyncio
import json
import resource
import sys
import time

import aiohttp


async def stream(session, url, until, errors, counts):
    while time.monotonic() < until:
        last = theirs = None
        async with session.post(url, data=b'{"prompt":"x"}') as answer:
            async for line in answer.content:
                if not line.startswith(b"data: "):
                    continue
                event = json.loads(line[6:])
                now = time.monotonic_ns()
                if event["type"] != "token":
                    continue
                stamp = int(event["t"])
                counts[0] += 1
                if last is not None and stamp:
                    errors.append(abs(now - last - (stamp - theirs)))
                last, theirs = now, stamp


async def main(url, streams, seconds):
    errors, counts = array.array("q"), [0]
    until = time.monotonic() + seconds
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:
        await asyncio.gather(*(stream(session, url, until, errors, counts) for _ in range(streams)))
    used = resource.getrusage(resource.RUSAGE_SELF)
    ordered = sorted(errors)

    def rank(percent):
        return ordered[max(0, -(-len(ordered) * percent // 1000) - 1)] if ordered else 0

    print(json.dumps({"read": {"count": len(ordered), "p50": rank(500), "p90": rank(900), "p99": rank(990),
                               "p99.9": rank(999), "max": rank(1000)}, "events": counts[0],
                      "processor": used.ru_utime + used.ru_stime, "kilobytes": used.ru_maxrss}))


asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
