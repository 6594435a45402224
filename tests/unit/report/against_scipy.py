#!/usr/bin/env python3
"""The statistics of lib/report against SciPy and Python's statistics, on random data.

    against_scipy.py PROGRAM [ROUNDS]

PROGRAM (statistics_calls.c) is asked for each function on thousands of arrays: smooth, rounded until
values tie, all alike, of no value, one and two. What these libraries have under another name or not
at all (runs, Benjamini and Hochberg, the bootstrap) is counted here in the plainest way there is.
Prints TAP; the relative difference allowed is 1e-12, for sums and order statistics none at all.
"""

import itertools
import math
import random
import statistics
import subprocess
import sys
import warnings
from fractions import Fraction

try:
    import numpy
    from scipy import stats
except ImportError:
    print("1..0 # SKIP SciPy is not there (Debian: python3-scipy)")
    sys.exit(0)

warnings.simplefilter("ignore")
random.seed(20261121)
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 400
PERCENTS = [0.1, 1, 5, 7, 10, 25, 50, 75, 90, 95, 99, 99.9, 100]


class Program:
    """Answers to many calls, asked in one go."""

    def __init__(self, path):
        self.path, self.lines, self.checks = path, [], []

    def ask(self, name, check, a=(), b=(), c=()):
        self.lines.append(";".join([name] + [" ".join(repr(x) for x in part) for part in (a, b, c)]))
        self.checks.append(check)

    def faults(self):
        answer = subprocess.run([self.path], input="\n".join(self.lines) + "\n", text=True,
                                stdout=subprocess.PIPE, check=True).stdout.split("\n")
        found = []
        for line, check, got in zip(self.lines, self.checks, answer, strict=False):
            for what, wanted, value, tolerance in check([float(x) for x in got.split()]):
                if not near(wanted, value, tolerance):
                    found.append(f"{what}: expected {wanted!r}, got {value!r} for {line[:300]}")
        if len(answer) != len(self.lines) + 1:
            found.append(f"{len(self.lines)} calls, {len(answer) - 1} answers")
        return found


def near(wanted, value, tolerance):
    if math.isnan(wanted) or math.isnan(value):
        return math.isnan(wanted) and math.isnan(value)
    return wanted == value or abs(wanted - value) <= tolerance * max(abs(wanted), abs(value))


def sample(count):
    """Values as durations are: smooth, tied, or all alike; now and then of wild magnitude."""
    kind = random.choice(["smooth", "smooth", "tied", "tied", "alike", "wild"])
    if kind == "alike":
        return [random.choice([0.0, 1.5, 1e9])] * count
    if kind == "wild":
        return [random.gauss(0, 1) * 10.0 ** random.randint(-12, 12) for _ in range(count)]
    values = [random.lognormvariate(3, 0.4) for _ in range(count)]
    return values if kind == "smooth" else [round(x / 5) * 5.0 for x in values]


def size(most=40):
    return random.choice([0, 1, 2, 2, 3, 4, 5, 8, 20, random.randint(1, most)])


def describe(program):
    values = sample(size(200))
    ordered = sorted(values)
    count = len(values)
    middle = statistics.median(values) if values else math.nan

    def check(got):
        yield "mean", statistics.mean(values) if values else math.nan, got[0], 0
        yield "deviation", statistics.stdev(values) if count > 1 else math.nan, got[1], 1e-15
        yield "median", middle, got[2], 0
        yield "mad", (statistics.median([abs(x - middle) for x in values]) if values else math.nan), got[3], 0
        for percent, value in zip(PERCENTS, got[4:], strict=True):
            rank = math.ceil(Fraction(str(percent)) * count / 100)
            yield f"p{percent}", ordered[max(rank, 1) - 1] if values else math.nan, value, 0
            if percent in (25, 50, 75, 100) and values:  # where numpy's rounding does no harm
                yield f"numpy's p{percent}", float(numpy.percentile(values, percent, method="inverted_cdf")), value, 0

    program.ask("describe", check, values, (), PERCENTS)


def normal(program):
    points = [random.random() for _ in range(5)] + [10.0 ** -random.randint(1, 300), 0.5]

    def check(got):
        for i, p in enumerate(points):
            yield "normal quantile", float(stats.norm.ppf(p)), got[2 * i], 1e-12
            yield "normal tail", float(stats.norm.sf(p * 20 - 10)), got[2 * i + 1], 1e-12

    program.ask("normal", check, (), (), points)


def ranks(program):
    a, b = sample(size()), sample(size())
    if random.random() < 0.5:
        b = [x * random.choice([1, 1.1, 2]) for x in sample(len(b))]

    def check(got):
        u, p, exact, smallest, delta, shift = got
        m, n = len(a), len(b)
        if not a or not b:
            yield "p of nothing", 1, p, 0
            return
        ties = len(set(a + b)) < m + n
        yield "exact", float(not ties and m + n <= 60), exact, 0
        method = "exact" if exact else "asymptotic"
        wanted = stats.mannwhitneyu(b, a, alternative="two-sided", method=method)
        yield "U", float(wanted.statistic), u, 0
        alike = len(set(a + b)) == 1
        yield "Mann-Whitney", 1.0 if alike else float(wanted.pvalue), p, 1e-12
        yield "smallest p", min(1.0, float(Fraction(2, math.comb(m + n, m)))), smallest, 1e-15
        pairs = [(x > y) - (x < y) for x in b for y in a]
        yield "Cliff's delta", sum(pairs) / len(pairs), delta, 1e-12
        yield "shift", statistics.median([x - y for x in b for y in a]), shift, 0

    program.ask("ranks", check, a, b)


def trend(program):
    y = sample(size(60))
    x = [float(i) for i in range(len(y))]
    if random.random() < 0.3:
        x = [float(random.randint(0, 9)) for _ in y]

    def check(got):
        slope, tau, p = got
        if len(y) < 2:
            yield "p of nothing", 1, p, 0
            return
        slopes = [(y[j] - y[i]) / (x[j] - x[i]) for i, j in itertools.combinations(range(len(y)), 2) if x[i] != x[j]]
        yield "slope", statistics.median(slopes) if slopes else math.nan, slope, 0
        if len(set(x)) == len(x):
            yield "Theil and Sen", float(stats.theilslopes(y, x)[0]), slope, 1e-12
        if len(set(x)) == 1 or len(set(y)) == 1:
            yield "p when all are alike", 1, p, 0
            return
        ties = len(set(x)) < len(x) or len(set(y)) < len(y)
        wanted = stats.kendalltau(x, y, method="exact" if not ties and len(y) <= 33 else "asymptotic")
        yield "tau", float(wanted.correlation), tau, 1e-12
        if len(y) > 2:  # of two points with ties SciPy divides by zero
            yield "Kendall", min(1.0, float(wanted.pvalue)), p, 1e-12

    program.ask("trend", check, x, y)


def student(program):
    t, freedom, tail = random.uniform(0, 20), random.choice([1, 2.5, 7, 30, 400]), random.uniform(1e-6, 0.49)

    def check(got):
        yield "student tail", float(stats.t.sf(t, freedom)), got[0], 1e-9
        yield "student quantile", tail, float(stats.t.sf(got[1], freedom)), 1e-9

    program.ask("student", check, (), (), (t, freedom, tail))


def wilson(program):
    count = size(500)
    hits, confidence = random.randint(0, count), random.choice([0.9, 0.95, 0.99])

    def check(got):
        if count == 0:
            yield "low", 0, got[0], 0
            yield "high", 1, got[1], 0
            return
        wanted = stats.binomtest(hits, count).proportion_ci(confidence, method="wilson")
        yield "Wilson, low", float(wanted.low), got[0], 1e-12
        yield "Wilson, high", float(wanted.high), got[1], 1e-12

    program.ask("wilson", check, (), (), (hits, count, confidence))


def fisher(program):
    m, n = size(300), size(300)
    a, b = random.randint(0, m), random.randint(0, n)

    def check(got):
        if m and n:
            # As whole numbers: SciPy's own sums lose digits of what is very unlikely.
            weights = [math.comb(m, x) * math.comb(n, a + b - x) for x in range(max(0, a + b - n), min(m, a + b) + 1)]
            seen = math.comb(m, a) * math.comb(n, b)
            yield "Fisher, counted", float(Fraction(sum(w for w in weights if w <= seen), sum(weights))), got[0], 1e-12
            yield "Fisher", float(stats.fisher_exact([[a, m - a], [b, n - b]])[1]), got[0], 1e-9
        else:
            yield "Fisher of nothing", 1, got[0], 0

    program.ask("fisher", check, (), (), (a, m, b, n))


def runs(program):
    ones, zeros = random.randint(0, 7), random.randint(0, 7)
    most = random.randint(0, ones + zeros + 1)

    def check(got):
        if not ones or not zeros:
            yield "runs of one kind", 1, got[0], 0
            return
        few = orders = 0
        for places in itertools.combinations(range(ones + zeros), ones):
            row = [i in places for i in range(ones + zeros)]
            orders += 1
            few += 1 + sum(x != y for x, y in zip(row, row[1:], strict=False)) <= most
        yield "runs", few / orders, got[0], 1e-12

    program.ask("runs", check, (), (), (ones, zeros, most))


def adjust(program):
    values = [random.choice([random.random(), round(random.random(), 1), 10.0 ** -random.randint(0, 9)])
              for _ in range(size())]

    def check(got):
        # p of rank r is adjusted to the least of p(s) * n / s over all ranks s >= r.
        ordered = sorted(values)
        for value, adjusted in zip(values, got, strict=True):
            least = min(min(1.0, ordered[s] * len(values) / (s + 1))
                        for s in range(len(values)) if ordered[s] >= value)
            yield "Benjamini and Hochberg", least, adjusted, 1e-15

    program.ask("adjust", check, values)


class Xoshiro:
    """core/random.h, for the bootstrap."""

    MASK = (1 << 64) - 1

    def __init__(self, seed):
        self.state = []
        for _ in range(4):
            seed = (seed + 0x9E3779B97F4A7C15) & self.MASK
            z = ((seed ^ (seed >> 30)) * 0xBF58476D1CE4E5B9) & self.MASK
            z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & self.MASK
            self.state.append(z ^ (z >> 31))

    def next(self):
        s = self.state

        def rotate(x, k):
            return ((x << k) | (x >> (64 - k))) & self.MASK

        result = (rotate((s[1] * 5) & self.MASK, 7) * 9) & self.MASK
        t = (s[1] << 17) & self.MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= t
        s[3] = rotate(s[3], 45)
        return result

    def below(self, count):
        limit = self.MASK - self.MASK % count
        while (x := self.next()) >= limit:
            pass
        return x % count


def bootstrap(program):
    a, b = sample(random.randint(0, 8)), sample(random.randint(0, 8))
    resamples, confidence, seed = random.randint(1, 60), random.choice([0.8, 0.95]), random.randint(0, 2**40)

    def check(got):
        if not a or not b:
            yield "interval of nothing", math.nan, got[0], 0
            return
        generator, shifts = Xoshiro(seed), []
        for _ in range(resamples):
            x = [a[generator.below(len(a))] for _ in a]
            y = [b[generator.below(len(b))] for _ in b]
            shifts.append(statistics.median([v - u for v in y for u in x]))
        shifts.sort()
        for name, share, value in (("low", (1 - confidence) / 2, got[0]), ("high", (1 + confidence) / 2, got[1])):
            yield f"bootstrap, {name}", shifts[max(1, math.ceil(share * resamples - 1e-9)) - 1], value, 0

    program.ask("bootstrap", check, a, b, (confidence, resamples, seed))


def main():
    tests = [(describe, "mean, deviation, median, MAD and percentiles are Python's and NumPy's"),
             (normal, "the normal distribution is SciPy's"),
             (ranks, "the rank test, Cliff's delta and the shift are SciPy's"),
             (trend, "slope and significance of a trend are SciPy's"),
             (student, "Student's distribution is SciPy's"),
             (wilson, "Wilson's interval is SciPy's"),
             (fisher, "Fisher's exact test is SciPy's, and as counted"),
             (runs, "the test of runs counts every order there is"),
             (adjust, "p-values are adjusted as Benjamini and Hochberg say"),
             (bootstrap, "the bootstrap draws and orders as it says")]
    failed = False
    for number, (test, title) in enumerate(tests, 1):
        program = Program(sys.argv[1])
        for _ in range(ROUNDS):
            test(program)
        faults = program.faults()
        failed = failed or bool(faults)
        for fault in faults[:10]:
            print("#", fault)
        print(f"{'not ok' if faults else 'ok'} {number} - {title}")
    print(f"1..{len(tests)}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
