#!/usr/bin/env python3
"""How often `assay compare` cries wolf, and what it sees, on the noise of this machine.

    bench/regress/run.py BUILD-FOLDER [RUNS]

Runs bench/regress/noise.json RUNS times (700; about 6 minutes, nearly all of it waiting), takes the
times of each case as `assay history` has them, and prints the table of bench/regress/regress.c.
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def main():
    build = pathlib.Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 700
    assay = str(build / "src" / "assay")
    environment = os.environ | {"PATH": f"{build / 'systems' / 'worker'}:{os.environ['PATH']}"}
    loads = []
    with tempfile.TemporaryDirectory() as folder:
        for run in range(runs):
            loads.append(os.getloadavg()[0])
            seeds = [f"--set=seed{n}={5 * run + i}" for i, n in enumerate(["", 2, 3, 4, 5])]
            subprocess.run([assay, "run", str(HERE / "noise.json"), "--jobs", "1", "--quiet", *seeds],
                           cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        history = subprocess.run([assay, "history", "--json", "--results", str(runs)], cwd=folder,
                                 check=True, capture_output=True, text=True).stdout
    lines = []
    for case in json.loads(history)["cases"]:
        times = [result["time_ms"] * 1e6 for result in case["history"] if result["time_ms"]]
        lines.append(case["key"].removeprefix("noise/") + "\t" + " ".join(f"{t:.0f}" for t in times))
    table = subprocess.run([str(build / "bench" / "regress" / "bench-regress")], check=True, text=True,
                           input="\n".join(lines) + "\n", capture_output=True).stdout
    print(f"{runs} runs on {os.cpu_count()} processors with {sum(loads) / len(loads):.1f} processes at "
          f"work on average, {min(loads):.1f} to {max(loads):.1f}.\n")
    print(table, end="")


if __name__ == "__main__":
    main()
