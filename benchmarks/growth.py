"""How time grows with rows and features, and memory with rows; Spark against one process. Run: make bench-speed.

Times are least values of a few runs in one warm process: counting from Arrow to pair counts, the tests of all pairs
with their correction, and the whole audit of one Parquet file against another of that size (same world, nothing
poisoned). Exponents are slopes of log time over log size by least squares, with standard errors; the largest local one
(between neighbouring sizes) is given beside. Peak memory is that of the command line in a process of its own.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from measure import (
    BenchmarkError,
    Power,
    child,
    columns,
    gibibytes,
    heading,
    least,
    power,
    program,
    row,
    settings,
)
from measure import times as ratio
from packed import table, write

import credenza
from credenza.association.counts import PairCounts
from credenza.association.kernels import pack_booleans
from credenza.association.probes import Layout
from credenza.association.shift import Sample, pair_shift

ROWS, FEATURES = (100_000, 200_000, 400_000, 800_000, 1_600_000), (125, 250, 500, 1_000)
AT_FEATURES, AT_ROWS = 200, 200_000
SMALL_ROWS, SMALL_FEATURES = (50_000, 100_000, 200_000), (50, 100, 200)
SMALL_AT_FEATURES, SMALL_AT_ROWS = 50, 50_000
SEEDS = (1, 2)
SPARK = """
import json, sys, time
import credenza
found = []
for _ in range(3):
    started = time.perf_counter()
    result = credenza.audit(sys.argv[1], sys.argv[2], engine=sys.argv[3]).result
    found.append(time.perf_counter() - started)
print(json.dumps([found[0], min(found[1:]), result.verdict.value]))
"""


@dataclass(frozen=True)
class Point:
    """What was measured at one size: seconds of counting, of the tests, of the audit; bytes at the peak."""

    rows: int
    features: int
    count: float
    tests: float
    audit: float
    peak: int


def counts_of(rows: int, features: int, seed: int, *, repeats: int = 1) -> tuple[PairCounts, float]:
    """The pair counts of a table in memory, and the least seconds that they took."""
    data = table(rows, features, seed=seed)
    arrays = [column.chunk(0) for column in data.columns]
    empty = PairCounts.empty((2,) * features)
    seconds = least(lambda: empty.update_planes(pack_booleans(arrays), rows), repeats=repeats, within=10.0)
    return empty.update_planes(pack_booleans(arrays), rows), seconds


def measure(rows: int, features: int, place: Path, *, repeats: int) -> Point:
    """Measure one size."""
    suspect, count = counts_of(rows, features, SEEDS[0], repeats=3 * repeats)
    reference, _ = counts_of(rows, features, SEEDS[1])
    layout = Layout((2,) * features, (0,) * features)

    def test_pairs() -> object:
        return pair_shift(Sample.of(reference), Sample.of(suspect), layout).q()

    tests = least(test_pairs, repeats=3 * repeats, within=10.0)
    files = [write(place / f"{seed}.parquet", rows, features, seed=seed) for seed in SEEDS]
    audit = least(lambda: credenza.audit(*files), repeats=repeats, within=30.0)
    command = program("audit", files[0], "--reference", files[1], "--quiet")
    return Point(rows, features, count, tests, audit, child(command, allowed=(0, 1)).peak)


def steepest(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """The largest exponent between neighbouring sizes."""
    return float(max(np.diff(np.log(seconds)) / np.diff(np.log(sizes))))


def curve(sizes: Sequence[tuple[int, int]], place: Path, *, repeats: int) -> list[Point]:
    """Measure and print a line a size."""
    columns(
        "rows",
        "features",
        "counting, s",
        "pair tests, s",
        "both, s",
        "whole audit, s",
        "peak memory of the audit",
    )
    found = []
    for rows, features in sizes:
        p = measure(rows, features, place, repeats=repeats)
        row(rows, features, p.count, p.tests, p.count + p.tests, p.audit, gibibytes(p.peak))
        found.append(p)
    print(flush=True)
    return found


def exponents(by_rows: list[Point], by_features: list[Point]) -> None:
    """Print the fitted exponents."""
    columns("time of", "exponent in rows", "steepest", "target", "exponent in features", "steepest", "target")
    for name, seconds in (
        ("counting", lambda p: p.count),
        ("counting and pair tests", lambda p: p.count + p.tests),
        ("whole audit", lambda p: p.audit),
    ):
        cells: list[object] = []
        linear = "" if "tests" in name else "0.95-1.05"  # what the tests take does not depend on the rows
        for points, size, target in ((by_rows, "rows", linear), (by_features, "features", "<= 2.05")):
            sizes, taken = [getattr(p, size) for p in points], [seconds(p) for p in points]
            fit: Power = power(sizes, taken)
            cells += [fit, steepest(sizes, taken), target]
        row(name, *cells)
    least_memory, most = by_rows[0], by_rows[-1]
    grown = f"{most.rows / least_memory.rows:.0f}x the rows: {ratio(most.peak / least_memory.peak)} the peak memory"
    print(f"\n{grown}.\n", flush=True)


def spark_against_local(rows: int, features: int, place: Path) -> None:
    """Print what Spark on this machine takes for the same audit, or why it was not run."""
    files = [str(write(place / f"{seed}.parquet", rows, features, seed=seed)) for seed in SEEDS]
    columns("engine", "rows", "features", "first audit, s", "again, s", "v local", "verdict")
    local = 0.0
    for engine in ("local", "spark"):
        try:
            done = child([sys.executable, "-c", SPARK, *files, engine])
        except BenchmarkError as error:
            row(engine, rows, features, "not run", str(error).rpartition("Error: ")[2], "", "")
            continue
        first, again, verdict = json.loads(
            next(line for line in done.output.splitlines() if line.startswith("["))
        )
        local = local or again
        row(engine, rows, features, first, again, ratio(again / local), verdict)


def main() -> None:
    args = settings(__doc__).parse_args()
    rows, features = (SMALL_ROWS, SMALL_FEATURES) if args.small else (ROWS, FEATURES)
    at_features, at_rows = (SMALL_AT_FEATURES, SMALL_AT_ROWS) if args.small else (AT_FEATURES, AT_ROWS)
    heading("Growth", "pyspark", seeds="1 (suspect) and 2 (reference)")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        measure(10_000, 20, place, repeats=1)  # compiled before anything is timed
        by_rows = curve([(n, at_features) for n in rows], place, repeats=3)
        by_features = curve([(at_rows, m) for m in features], place, repeats=3)
        exponents(by_rows, by_features)
        spark_against_local(rows[-1], at_features, place)


if __name__ == "__main__":
    main()
