"""The same counts to the last bit, however they are made. Run: make bench-speed.

A boolean table and a mixed one (booleans, text, numbers in bins, missing values) are counted by numpy in double
precision and in every way that credenza has; the digests of the pair counts and of the coinciding rows must agree.
Ends with status 1 when they do not. Spark and a GPU are left out, with the reason, where there is none.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import reduce
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from measure import columns, heading, row, settings
from packed import floats, table

from credenza.association.census import Census
from credenza.association.counts import PairCounts
from credenza.association.kernels import inner_counts, pack_booleans
from credenza.data import Schema, encode, fit_schema, open_source, sketch
from credenza.engines import get_engine
from credenza.errors import CredenzaError

SEED = 1
Found = tuple[str, str]


def mixed(rows: int, features: int) -> pa.Table:
    """Booleans with gaps, text, and numbers, made of the same bits."""
    plain = table(rows, features, seed=SEED)
    rng = np.random.default_rng(SEED)
    bits = [column.to_numpy() for column in plain.columns[:6]]
    text = np.array(["red", "green", "blue", "grey", "white", "black", "", "?"])[
        bits[0] + 2 * bits[1] + 4 * bits[2]
    ]
    numbers = np.round(rng.normal(size=rows) + bits[3], 3)
    gaps = rng.random(rows) < 0.03
    for name, values, mask in (
        ("text", text, None),
        ("number", numbers, gaps),
        ("count", rng.poisson(2 + 3 * bits[4]), None),
        ("gaps", bits[5], gaps),
    ):
        plain = plain.append_column(name, pa.array(values, mask=mask))
    return plain


def digest(counts: PairCounts) -> str:
    """SHA-256 of the number of rows and of the whole matrix of counts."""
    found = hashlib.sha256(f"{counts.rows} {counts.sizes}".encode())
    found.update(np.ascontiguousarray(counts.joint, np.int64).tobytes())
    return found.hexdigest()[:12]


def by_numpy(codes: np.ndarray, sizes: tuple[int, ...]) -> PairCounts:
    """The counts as one product of the 0/1 matrix of levels in double precision, exact below 2^53."""
    planes = np.concatenate([codes[:, [j]] == np.arange(size) for j, size in enumerate(sizes)], axis=1)
    whole = planes.astype(np.float64)
    return PairCounts.of_joint(sizes, len(codes), np.rint(whole.T @ whole).astype(np.int64))


def cut(codes: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The rows, so many at a time."""
    return (codes[start : start + size] for start in range(0, len(codes), size))


def ways(codes: np.ndarray, schema: Schema, path: Path) -> Iterator[tuple[str, Callable[[], Found]]]:
    """Every way to count, with what makes (digest of the counts, coinciding rows)."""
    empty = PairCounts.empty(schema.sizes)

    def folded(batches: Iterator[np.ndarray]) -> PairCounts:
        return reduce(lambda counts, batch: counts.update(batch), batches, empty)

    def census(batches: Iterator[pa.RecordBatch]) -> Census:
        return reduce(lambda state, batch: state.update(batch), batches, Census.empty(schema))

    def read(state: Census) -> Found:
        return digest(state.counts), str(state.repeats.read())

    def by_engine(name: str) -> Callable[[], Found]:
        def count() -> Found:
            engine = get_engine(name, str(path))
            return read(engine.fold(engine.open(str(path)), schema.names, Census.empty(schema)))

        return count

    def merged() -> Found:
        source = open_source(path)
        parts = [census(iter([batch])) for batch in source.batches(schema.names, size=1 + source.rows // 7)]
        while len(parts) > 1:
            parts = [reduce(Census.merge, parts[k : k + 2]) for k in range(0, len(parts), 2)]
        return read(parts[0])

    yield "numpy, double precision", lambda: (digest(by_numpy(codes, schema.sizes)), "")
    yield "codes in one batch", lambda: (digest(folded(iter([codes]))), "")
    yield "codes in batches of 10,007", lambda: (digest(folded(cut(codes, 10_007))), "")
    yield (
        "codes in batches of 63",
        lambda: (digest(folded(cut(codes[:6_300], 63)) + empty.update(codes[6_300:])), ""),
    )
    if all(field.type == pa.bool_() for field in pq.read_schema(path)):
        yield "Arrow bits as they are", lambda: (digest(from_bits(path, schema)), "")
    yield (
        "rows in batches of 50,001",
        lambda: read(census(open_source(path).batches(schema.names, size=50_001))),
    )
    yield "seven parts, merged in a tree", merged
    for name in ("local", "spark", "cuda"):
        yield f"{name} engine", by_engine(name)


def from_bits(path: Path, schema: Schema) -> PairCounts:
    """Counts of the planes that Arrow's booleans already are."""
    data = pq.read_table(path, columns=list(schema.names)).combine_chunks()
    planes = pack_booleans([column.chunk(0) for column in data.columns])
    return PairCounts.empty(schema.sizes).update_planes(planes, data.num_rows)


def threaded(rows: int, features: int, repeats: int) -> bool:
    """Count a batch on all cores again and again, and print how often the matrix was the product's."""
    data = table(rows, features, seed=SEED)
    planes = pack_booleans([column.chunk(0) for column in data.columns])
    matrix = floats(data)
    wanted = (matrix @ matrix.T).astype(np.int64)  # exact: whole numbers below 2^24
    started = time.perf_counter()
    right = sum(np.array_equal(inner_counts(planes), wanted) for _ in range(repeats))
    seconds = (time.perf_counter() - started) / repeats
    name = f"threads, {right} of {repeats} times as numpy's product"
    row("one batch", rows, 2 * features, name, seconds, "", right == repeats)
    return right == repeats


def compare(title: str, data: pa.Table, place: Path) -> bool:
    """Print a line a way; whether all agree."""
    path = place / "table.parquet"
    pq.write_table(data, path, row_group_size=data.num_rows // 3)
    source = open_source(path)
    schema = fit_schema(sketch(source))
    codes = np.concatenate([encode(batch, schema) for batch in source.batches(schema.names)])
    wanted, rows, good = "", "", True
    for name, count in ways(codes, schema, path):
        started = time.perf_counter()
        try:
            found, coinciding = count()
        except CredenzaError as error:
            row(title, data.num_rows, sum(schema.sizes), name, "", "", f"not run: {error}")
            continue
        seconds = time.perf_counter() - started
        wanted, rows = wanted or found, rows or coinciding
        same = found == wanted and coinciding in ("", rows)
        good &= same
        row(title, data.num_rows, sum(schema.sizes), name, seconds, found, same)
    return good


def main() -> None:
    args = settings(__doc__).parse_args()
    rows, features = (60_000, 30) if args.small else (1_000_000, 200)
    heading("The same counts", "pyspark", "torch", seeds=str(SEED))
    columns("table", "rows", "levels", "counted by", "seconds", "digest", "identical")
    with tempfile.TemporaryDirectory() as folder:
        good = compare("boolean", table(rows, features, seed=SEED), Path(folder))
        good &= threaded(32_768, 1_000, 20 if args.small else 200)
        good &= compare("mixed", mixed(rows, features // 4), Path(folder))
    if not good:
        print("\nThe counts differ.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
