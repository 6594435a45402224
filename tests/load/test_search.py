"""assay load --search and --sweep against a service whose capacity is known: so many slots, each
taken for a fixed time. Where this machine allows, the answer is near slots / time; how near is not
asserted closely, as the service shares the processor with assay."""
import asyncio
import concurrent.futures
import json
import subprocess
import sys
import threading

ASSAY = sys.argv[1]
SLOTS, TIME = 4, 0.05
CAPACITY = SLOTS / TIME


async def answer(slots, reader, writer):
    try:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            async with slots:
                await asyncio.sleep(TIME)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


def serve(ready, port):
    async def main():
        slots = asyncio.Semaphore(SLOTS)
        server = await asyncio.start_server(lambda r, w: answer(slots, r, w), "127.0.0.1", 0)
        port.append(server.sockets[0].getsockname()[1])
        ready.set()
        await server.serve_forever()

    asyncio.run(main())


def load(port, *words):
    command = [ASSAY, "load", "--url", f"http://127.0.0.1:{port}/", "--lag", "1s", "--json", "-"]
    done = subprocess.run(command + list(words), stdout=subprocess.PIPE, timeout=250, check=False)
    return done.returncode, json.loads(done.stdout)


def users(port):
    status, got = load(port, "--search", "concurrency:1..16", "--slo", "latency mean < 80ms",
                       "--duration", "300ms")
    return status == 0 and SLOTS <= got["answer"]["load"] <= 2 * SLOTS, got["answer"]


def sweep(port):
    status, got = load(port, "--sweep", f"{CAPACITY / 4}..{CAPACITY * 4}/2", "--duration", "4s", "--warmup", "100ms",
                       "--drain", "100ms", "--arrivals", "constant")
    points = got["points"]
    good = (status == 0 and len(points) == 2 and points[0]["verdict"] == ""
            and points[1]["verdict"] == "saturated" and points[1]["measured_s"] < 4
            and all(p["answers_per_s"] < 1.1 * CAPACITY for p in points))
    return good, points


def against_a_service(test):
    ready, port = threading.Event(), []
    threading.Thread(target=serve, args=(ready, port), daemon=True).start()
    ready.wait()
    return test(port[0])


def main():
    tests = {"the number of users with which a service is full is found": users,
             "a sweep shows the curve and cuts short what is too much": sweep}
    print(f"1..{len(tests)}")
    with concurrent.futures.ThreadPoolExecutor() as pool:  # they wait most of the time
        results = pool.map(against_a_service, tests.values())
    for number, (name, (good, seen)) in enumerate(zip(tests, results), 1):
        print(f"{'ok' if good else 'not ok'} {number} - {name}")
        if not good:
            print("# " + json.dumps(seen))


main()
