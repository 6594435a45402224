#!/usr/bin/python3
"""Arrival processes of lib/load against SciPy's distributions (Kolmogorov and Smirnov).

    against_scipy.py PROGRAM

PROGRAM (schedule_lines.c) prints schedules. Each is stretched back by the profile it had, computed
here on its own; the gaps that remain must have the distribution that the process is called after.
Seeds are fixed, so a verdict never changes by chance. Prints TAP.
"""

import subprocess
import sys

try:
    import numpy
    from scipy import stats
except ImportError:
    print("1..0 # SKIP SciPy is not there (Debian: python3-scipy)")
    sys.exit(0)

PROFILES = {
    "steady": [(100, 500, 500)],
    "ramp": [(100, 0, 1000)],
    "fall": [(100, 900, 100)],
    "steps": [(30, 200, 200), (10, 0, 0), (20, 2000, 2000), (40, 100, 300)],
}
PROCESSES = {
    "poisson": [("poisson", 1, stats.expon())],
    "gamma": [("gamma", shape, stats.gamma(shape, scale=1 / shape)) for shape in (0.25, 0.5, 1, 2, 9)],
}
# Times users think, in seconds; of a lognormal, σ² = ln(1 + s²/m²) and the median is m/√(1 + s²/m²).
THINKING = {
    "uniform:1s..3s": stats.uniform(1, 2),
    "exponential:2s": stats.expon(scale=2),
    "normal:2s,500ms": stats.truncnorm(-4, numpy.inf, 2, 0.5),
    "normal:1s,2s": stats.truncnorm(-0.5, numpy.inf, 1, 2),
    "lognormal:5s,3s": stats.lognorm(numpy.sqrt(numpy.log1p(0.36)), scale=5 / numpy.sqrt(1.36)),
}
SEEDS = [1, 2, 3, 20261121]
LEAST_P = 1e-4  # of some 100 tests, none is as unlikely by chance
LEAST_GAP = 1e-3  # of a mean gap: what is shorter is changed by rounding to nanoseconds


def schedule(kind, shape, seed, stages):
    words = [str(x) for stage in stages for x in stage]
    out = subprocess.run([sys.argv[1], kind, str(shape), str(seed), *words], stdout=subprocess.PIPE, check=True)
    return numpy.array([int(x) for x in out.stdout.split()]) / 1e9


def drawn(distribution, seed):
    out = subprocess.run([sys.argv[1], "draw", distribution, str(seed), "20000"], stdout=subprocess.PIPE, check=True)
    return numpy.array([int(x) for x in out.stdout.split()]) / 1e9


def mean_arrivals(times, stages):
    """How many arrivals the profile has until each time, on average."""
    total = numpy.zeros(len(times))
    began = 0.0
    for duration, first, last in stages:
        t = numpy.clip(times - began, 0, duration)
        total += first * t + (last - first) / (2 * duration) * t * t
        began += duration
    return total


def unlikely(gaps, distribution):
    """The p of these gaps, of those that are long enough, being from the distribution."""
    below = distribution.cdf(LEAST_GAP)
    return stats.kstest(gaps[gaps > LEAST_GAP], lambda x: (distribution.cdf(x) - below) / (1 - below)).pvalue


def verdicts():
    for tests in PROCESSES.values():
        for kind, shape, distribution in tests:
            for profile, stages in PROFILES.items():
                worst = 1.0
                for seed in SEEDS:
                    unit = mean_arrivals(schedule(kind, shape, seed, stages), stages)
                    gaps = numpy.diff(unit, prepend=0.0)
                    worst = min(worst, unlikely(gaps, distribution))
                yield worst > LEAST_P, f"{kind} {shape} over {profile} has gaps of its distribution (p {worst:.3g})"
    # The test can fail: gaps of another process are told apart.
    unit = mean_arrivals(schedule("gamma", 0.9, 1, PROFILES["steady"]), PROFILES["steady"])
    p = unlikely(numpy.diff(unit, prepend=0.0), stats.expon())
    yield p < LEAST_P, f"gamma 0.9 is told from poisson (p {p:.3g})"
    for text, distribution in THINKING.items():
        worst = min(stats.kstest(drawn(text, seed), distribution.cdf).pvalue for seed in SEEDS)
        yield worst > LEAST_P, f"{text} is what it says (p {worst:.3g})"
    p = stats.kstest(drawn("lognormal:5s,3s", 1), THINKING["normal:2s,500ms"].cdf).pvalue
    yield p < LEAST_P, f"lognormal is told from normal (p {p:.3g})"
    # Gaps one after the other know nothing of each other.
    gaps = numpy.diff(schedule("poisson", 1, 7, PROFILES["steady"]))
    p = stats.spearmanr(gaps[:-1], gaps[1:]).pvalue
    yield p > LEAST_P, f"poisson gaps do not depend on the gap before (p {p:.3g})"


number = failed = 0
for number, (good, text) in enumerate(verdicts(), 1):
    failed += not good
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
print(f"1..{number}")
sys.exit(failed > 0)
