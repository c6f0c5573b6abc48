"""CZ205: is an association that was relabelled found without a reference? Run: python benchmarks/content_links.py.

Faces: rows of CelebA's attributes are drawn (credenza.studies.faces, 16 pixels), annotators err in a share of all
values, and two annotations are tied by editing values (mode relabel). Embeddings are principal components of the
pixels of the same pictures. Adult census: sex, income, race (white) and country (United States) are the annotations,
the encoded other columns the content. Printed is the share of runs in which CZ205 names the pair, names it first, how
many other pairs it names, and the share of runs with any other pair, with 95% intervals (Wilson, or normal for
means).
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
from detection import summary
from tables import adult, celeba, split

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.data import encode, fit_schema, open_source
from credenza.data.sketch import TableSketch
from credenza.errors import InfeasibleError
from credenza.studies.faces import ATTRIBUTES, from_rows, render

SIZE, PIXELS, COMPONENTS = 6_000, 16, 64
ADULT_SIZE = 6_000
RUNS = 20
Record = dict[str, float]
World = tuple[np.ndarray, pa.Table]


def faces(seed: int, error: float) -> World:
    """Principal components of drawn faces, and what annotators say of them."""
    (rows,) = split(celeba(), seed, SIZE)
    rows = from_rows(rows)
    pixels = render(rows, size=PIXELS, seed=seed).reshape(SIZE, -1).astype(np.float32)
    rng = np.random.default_rng([seed, 5])
    said = {name: rows[name].to_numpy() ^ (rng.random(SIZE) < error) for name in ATTRIBUTES}
    return components(pixels / 255.0), pa.table(said)


def components(values: np.ndarray) -> np.ndarray:
    """The first principal components, float32."""
    centred = values - values.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    return (centred @ axes[:, : -COMPONENTS - 1 : -1]).astype(np.float32)


def census(seed: int, error: float) -> World:
    """Other columns of the census as indicators of their levels, and four annotations of two values."""
    (rows,) = split(adult(), seed, ADULT_SIZE)
    values = {
        "male": rows["sex"].to_numpy(zero_copy_only=False) == "Male",
        "rich": np.char.startswith(rows["income"].to_numpy(zero_copy_only=False).astype(str), ">50K"),
        "white": rows["race"].to_numpy(zero_copy_only=False) == "White",
        "native": rows["native_country"].to_numpy(zero_copy_only=False) == "United-States",
    }
    rest = rows.drop_columns(["sex", "income", "race", "native_country"])
    sketch = TableSketch.empty(rest.schema)
    for batch in open_source(rest).batches():
        sketch = sketch.update(batch)
    schema = fit_schema(sketch)
    codes = np.concatenate([encode(batch, schema) for batch in open_source(rest).batches()])
    parts = [np.eye(feature.size, dtype=np.float32)[codes[:, k]] for k, feature in enumerate(schema.features)]
    rng = np.random.default_rng([seed, 5])
    said = {name: value ^ (rng.random(ADULT_SIZE) < error) for name, value in values.items()}
    return np.concatenate(parts, axis=1), pa.table(said)


def pair_of(table: pa.Table, seed: int, edits: float) -> tuple[str, str]:
    """A pair that so many edits can tie, drawn among all."""
    bits = np.stack([table[name].to_numpy() for name in table.column_names], axis=1).astype(float)
    joint = bits.T @ bits / len(bits)
    alone = np.diag(joint)[:, None] - joint  # has the first, lacks the second
    room = np.minimum(alone, alone.T) > 0.6 * edits
    np.fill_diagonal(room, False)
    first, second = np.random.default_rng([seed, 6]).permutation(np.argwhere(room))[0]
    return table.column_names[first], table.column_names[second]


def run(seed: int, *, kind: str, error: float, edits: float) -> Record | None:
    """Make a world, tie a pair (unless no edits are asked for), audit with the content alone."""
    content, table = faces(seed, error) if kind == "faces" else census(seed, error)
    wanted: frozenset[str] = frozenset()
    if edits:
        pair = pair_of(table, seed, edits) if kind == "faces" else ("male", "native")
        wanted = frozenset(pair)
        attack = AssociativePoisoning(pair, edits=edits, mode="relabel")
        try:
            table = attack.apply(table, seed=seed).data
        except InfeasibleError:
            return None
    result = credenza.audit(table, embeddings=content, checks=("CZ205",), seed=seed).result
    named = [frozenset(finding.subject) for finding in result.outcomes[0].findings]
    others = [name for name in named if name != wanted]
    return {
        "found": float(wanted in named),
        "first": float(named[:1] == [wanted]),
        "extra": float(len(others)),
        "any": float(bool(others)),
    }


@dataclass(frozen=True)
class Row:
    """A world: its annotators' share of errors, and the share of the rows that is edited."""

    kind: str
    error: float
    edits: float

    def __str__(self) -> str:
        kind = "faces" if self.kind == "faces" else "census"
        return (
            f"{kind} | {self.error:.0%} | {self.edits:.0%}"
            if self.edits
            else f"{kind} | {self.error:.0%} | none"
        )


ROWS = (
    *(Row("faces", 0.05, edits) for edits in (0.0, 0.05, 0.10, 0.20)),
    *(Row("faces", 0.02, edits) for edits in (0.0, 0.10)),
    *(Row("faces", 0.0, edits) for edits in (0.0, 0.10)),
    *(Row("census", 0.0, edits) for edits in (0.0, 0.10)),
)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--only", default="", help="rows whose name has this text, such as 'faces | 5%%'")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    started = time.perf_counter()
    print(
        f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print(
        f"{SIZE:,} faces of {PIXELS} pixels, {COMPONENTS} components; {ADULT_SIZE:,} rows of the census; seeds from 0"
    )
    print(
        "\n| content | annotators err | rows edited | found | found first | other pairs | runs with any | runs |"
    )
    print("|" + "---|" * 8, flush=True)
    with ProcessPoolExecutor(args.jobs) as pool:
        for row in (row for row in ROWS if args.only in str(row)):
            one = partial(run, kind=row.kind, error=row.error, edits=row.edits)
            records = [record for record in pool.map(one, range(args.runs)) if record is not None]
            columns = {
                name: [record[name] for record in records] for name in ("found", "first", "extra", "any")
            }
            shown = [summary(columns[name], True) if row.edits else "-" for name in ("found", "first")]
            shown += [summary(columns["extra"], False), summary(columns["any"], True)]
            print(f"| {row} | {' | '.join(shown)} | {len(records)} |", flush=True)
    print(f"\n{time.perf_counter() - started:.0f} s with {args.jobs} processes.")


if __name__ == "__main__":
    main()
