"""bench/cold: one case against a service that the suite itself starts, from command to exit.

Everything a developer waits for is in it: reading the suite, making or opening the store, starting
the worker, asking until it is ready, one request with two checks, the commit, stopping the worker.
"""

import os
import statistics

from common import ASSAY, QUICK, forget_results, fresh, load, note, percentile, run, spread, table

RUNS = 5 if QUICK else 50

SUITE = """{
  "name": "cold",
  "services": {
    "worker": {
      "command": ["assay-worker", "--stub-mode", "--port", "${port}"],
      "ready": { "http": "/health", "within": "10s" },
      "url": "http://127.0.0.1:${port}"
    }
  },
  "defaults": { "service": "worker" },
  "cases": [
    { "id": "it is healthy", "http": { "get": "/health" },
      "expect": { "status": 200, "json": { "$.status": "healthy" } } }
  ]
}
"""


def main():
    folder = fresh("cold")
    with open(os.path.join(folder, "cold.json"), "w", encoding="ascii") as file:
        file.write(SUITE)
    command = [ASSAY, "run", "cold.json", "--quiet"]
    before = load()
    run(command, folder)  # the files come into the page cache
    without, existing = [], []
    note(f"cold: {RUNS} runs without a store and {RUNS} with one, in turn")
    for _ in range(RUNS):
        forget_results(folder)
        without.append(run(command, folder))
        existing.append(run(command, folder))
    print("## One case, cold\n")
    print(f"A suite that starts its own `assay-worker --stub-mode` and has one case with two "
          f"checks; {RUNS} runs each, in turn, from spawn to exit, in ms. "
          f"Load average {before} before, {load()} after.\n")
    rows = []
    for name, samples in (("the store is made", without), ("the store is there", existing)):
        walls = [s.wall * 1000 for s in samples]
        rows.append([name, spread(walls, "{:.0f}"), f"{percentile(walls, 0.95):.0f}",
                     f"{statistics.median(s.cpu for s in samples) * 1000:.0f}"])
    table(["", "median (range)", "95th percentile", "CPU, with the worker's"], rows)


if __name__ == "__main__":
    main()
