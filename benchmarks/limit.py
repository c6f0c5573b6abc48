"""How far the counting is from what the machine can do. Run: make bench-speed.

* The peak: 4 x 4 tiles of AND + population count on data that stays in the first-level cache, in G word pairs a second
  (a word pair is 64 rows of one pair of columns); a plain loop or credenza's own tile, whichever is faster, at the
  best of a few lengths.
* The kernel: counting all pairs of a table, as m (m + 1) / 2 x n / 64 word pairs a second, as a share of the peak.
* Memory: bytes a second of a copy and of an addition of arrays larger than the caches.
* The file: a bare scan of a Parquet file, against the passes over it in which credenza counts.

Each number of cores is measured in a process that is pinned to so many.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from measure import child, columns, gibibytes, heading, least, program, row, settings, times
from numba import njit, types
from numba.extending import intrinsic
from numpy.typing import NDArray
from packed import table, write

from credenza.association.kernels import inner_counts, pack_booleans
from credenza.association.tiles import SIDE, Words, add_tile, aligned

SIZE, SMALL = (1_000_000, 1_000), (200_000, 200)
LENGTHS = (96, 128, 192, 256, 384, 512)  # words of a plane: twelve planes fill 9 to 48 KiB
SCAN = """
import sys
from pyarrow.parquet import ParquetFile
with ParquetFile(sys.argv[1]) as file:
    print(sum(batch.num_rows for batch in file.iter_batches()))
"""


@intrinsic
def ones(context, word):  # type: ignore[no-untyped-def]
    """The set bits of a word; the compiler is asked for the widest vectors, which it shuns on some processors."""

    def generate(context, builder, signature, args):  # type: ignore[no-untyped-def]
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), generate


@njit(nogil=True)
def resident(planes: NDArray[np.uint64], repeats: int) -> int:
    """Count tiles of four planes against two times four others again and again; a checksum."""
    total = np.uint64(0)
    x0, x1, x2, x3 = planes[0], planes[1], planes[2], planes[3]
    for repeat in range(repeats):
        j = 4 + 4 * (repeat & 1)
        y0, y1, y2, y3 = planes[j], planes[j + 1], planes[j + 2], planes[j + 3]
        a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = np.uint64(0)
        c0 = c1 = c2 = c3 = d0 = d1 = d2 = d3 = np.uint64(0)
        for w in range(x0.size):
            p, q, r, s = x0[w], x1[w], x2[w], x3[w]
            t, u, v, z = y0[w], y1[w], y2[w], y3[w]
            a0 += ones(p & t)
            a1 += ones(p & u)
            a2 += ones(p & v)
            a3 += ones(p & z)
            b0 += ones(q & t)
            b1 += ones(q & u)
            b2 += ones(q & v)
            b3 += ones(q & z)
            c0 += ones(r & t)
            c1 += ones(r & u)
            c2 += ones(r & v)
            c3 += ones(r & z)
            d0 += ones(s & t)
            d1 += ones(s & u)
            d2 += ones(s & v)
            d3 += ones(s & z)
        total += a0 + a1 + a2 + a3 + b0 + b1 + b2 + b3 + c0 + c1 + c2 + c3 + d0 + d1 + d2 + d3
    return total


def together(work: Callable[[int], object], cores: int) -> float:
    """Wall seconds of one call a core, all at once."""
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(time.sleep, [0.01] * cores))
        started = time.perf_counter()
        list(pool.map(work, range(cores)))
        return time.perf_counter() - started


@njit(nogil=True)
def resident_tile(left: Words, right: Words, words: int, out: NDArray[np.int64], repeats: int) -> None:
    """The same by the tile that credenza counts with: four planes of ``left`` against two times four of ``right``."""
    for repeat in range(repeats):
        add_tile(left, 0, right, (repeat & 1) * SIDE * words, words, out, 0, SIDE)


def on_planes(planes: NDArray[np.uint64], repeats: int, k: int) -> None:
    """The plain loop's work of one core."""
    resident(planes[k], repeats)


def on_panels(words: int, parts: list[tuple[Words, Words]], repeats: int, k: int) -> None:
    """The tile's work of one core."""
    resident_tile(*parts[k], words, np.zeros(SIDE * SIDE, np.int64), repeats)


def peak(cores: int) -> float:
    """G word pairs a second on cache-resident data, the better loop at the best length of planes."""
    best, rng = 0.0, np.random.default_rng(0)
    for words in LENGTHS:
        planes = rng.integers(0, 2**63, (cores, 12, words), np.uint64)
        parts = [(aligned(SIDE * words), aligned(2 * SIDE * words)) for _ in range(cores)]
        for (left, right), part in zip(parts, planes, strict=True):
            left[:], right[:] = part[:SIDE].ravel(), part[SIDE:].ravel()
        repeats = int(4e8 / (SIDE * SIDE * words))
        for loop in (partial(on_planes, planes), partial(on_panels, words, parts)):
            loop(1, 0)  # compiled
            work = partial(loop, repeats)
            seconds = min(together(work, cores) for _ in range(10))
            best = max(best, cores * repeats * SIDE * SIDE * words / seconds / 1e9)
    return best


def kernel(rows: int, features: int) -> float:
    """G word pairs a second of the counting itself, from planes to the matrix of counts."""
    planes = pack_booleans([column.chunk(0) for column in table(rows, features, seed=1).columns])
    seconds = least(lambda: inner_counts(planes), repeats=8, within=20.0)
    return features * (features + 1) / 2 * -(-rows // 64) / seconds / 1e9


def bandwidth(cores: int) -> tuple[float, float]:
    """GB a second of a = b and of a = b + c; what the processor reads to own the lines of a is not counted."""
    a, b, c = np.zeros((3, cores, 2**25))
    copy = min(together(lambda k: np.copyto(a[k], b[k]), cores) for _ in range(5))
    add = min(together(lambda k: np.add(b[k], c[k], out=a[k]), cores) for _ in range(5))
    return 2 * a.nbytes / copy / 1e9, 3 * a.nbytes / add / 1e9


def rates(cores: int, rows: int, features: int) -> dict[str, Any]:
    """The rates of this process, pinned to so many cores."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    before = peak(cores)
    found = {"kernel": kernel(rows, features), "peak": max(before, peak(cores))}
    return found | dict(zip(("copy", "add"), bandwidth(cores), strict=True))


def machine_table(rows: int, features: int) -> None:
    """Print the rates, a line a number of cores."""
    columns(
        "cores",
        "peak, G word pairs/s",
        "kernel, G word pairs/s",
        "share",
        "target",
        "copy, GB/s",
        "add, GB/s",
    )
    for cores in sorted({1, os.cpu_count() or 1}):
        command = [sys.executable, __file__, "--rates", str(cores), str(rows), str(features)]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        target = ">= 70%" if cores == 1 else ">= 65%"
        share = found["kernel"] / found["peak"]
        row(cores, found["peak"], found["kernel"], f"{share:.0%}", target, found["copy"], found["add"])


def file_table(rows: int, features: int) -> None:
    """Print what a scan of the file takes, and what passes over it take."""
    columns("what", "seconds", "v bare scan", "processor seconds", "peak memory")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        suspect, reference = (write(place / f"{seed}.parquet", rows, features, seed=seed) for seed in (1, 2))
        profile = place / "reference.czp"
        child(program("profile", reference, "--out", profile))
        audit = program("audit", suspect, "--quiet", "--json", place / "a.json", "--reference")
        bare = 0.0
        for name, command in (
            ("bare scan (pyarrow iter_batches)", [sys.executable, "-c", SCAN, str(suspect)]),
            ("credenza profile", program("profile", suspect, "--out", place / "s.czp")),
            ("credenza audit against a profile", [*audit, str(profile)]),
            ("credenza audit against a file", [*audit, str(reference)]),
        ):
            done = min((child(command, allowed=(0, 1)) for _ in range(3)), key=lambda run: run.seconds)
            bare = bare or done.seconds
            row(name, done.seconds, times(done.seconds / bare), done.cpu, gibibytes(done.peak))


def main() -> None:
    parser = settings(__doc__)
    parser.add_argument(
        "--rates", nargs=3, type=int, metavar=("CORES", "ROWS", "FEATURES"), help="for this program"
    )
    args = parser.parse_args()
    if args.rates:
        print(json.dumps(rates(*args.rates)))
        return
    rows, features = SMALL if args.small else SIZE
    heading("Against the machine's limit", seeds="1 and 2")
    print(f"{rows:,} rows x {features:,} boolean columns.\n")
    machine_table(rows, features)
    print("\nThe same table as a Parquet file, each command in a process of its own:\n")
    file_table(rows, features)


if __name__ == "__main__":
    main()
