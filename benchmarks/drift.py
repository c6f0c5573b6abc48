"""An update of a table against the signed profile of what was there before: power, and false alarms.

    python benchmarks/drift.py [--runs 60] [--seed 0]

20,000 rows of the census (without ``education_num``, which says what ``education`` does) are signed and put away. What
comes is a table with the same rows and new ones behind them, of which a share is edited so that two columns go together
more than they did (or less), marginals unchanged. It is audited against the signed manifest as a whole, and its added
rows alone. Printed are shares of runs with their 95% intervals (Wilson); of clean updates there are twice as many runs.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import binomtest
from tables import adult, split

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.errors import InfeasibleError, InputError
from credenza.provenance.keys import generate_keys, load_private
from credenza.provenance.sign import sign

OLD, DONORS = 20_000, 12_000
REFERENCES = 10  # signed tables that the runs take turns with
CASES: tuple[tuple[int, str | float], ...] = (  # rows of an update, and the share of them that is edited
    (2_000, "none"),
    (2_000, "none, another mix"),
    (2_000, 0.20),
    (2_000, 0.10),
    (2_000, 0.05),
    (500, "none"),
    (500, 0.20),
    (500, 0.10),
)
Pair = tuple[str, str]


def census() -> pa.Table:
    """48,842 rows of 14 columns, mixed."""
    return adult().drop_columns(["education_num"])


@dataclass(frozen=True)
class Signed:
    """What is known of a table that was signed; its rows are kept to make updates of it."""

    rows: pa.Table
    rest: pa.Table
    home: Path
    key: Path


def signed(folder: Path, seed: int) -> Signed:
    """Draw a table from the census, and sign it."""
    rows, rest = split(census(), seed, OLD, census().num_rows - OLD)
    made = folder / str(seed)
    made.mkdir()
    pq.write_table(rows, made / "census.parquet")
    private, public = generate_keys(made / "key")
    home = sign(made / "census.parquet", load_private(private), profile=credenza.profile(rows)).home
    return Signed(rows, rest, home, public)


def targets() -> list[tuple[Pair, Pair]]:
    """(columns, levels) of pairs of common levels whose four cells all have 12% of the rows."""
    table = census().to_pandas()
    tops = {name: table[name].mode()[0] for name in table if table[name].nunique() < 20}
    bits = {name: (table[name] == top).to_numpy() for name, top in tops.items()}
    found = []
    for a, b in combinations(bits, 2):
        cells = np.bincount(2 * bits[a] + bits[b], minlength=4) / len(table)
        if cells.min() > 0.12:
            found.append(((a, b), (tops[a], tops[b])))
    return found


def update(known: Signed, size: int, share: float, pair: tuple[Pair, Pair] | None, seed: int) -> pa.Table:
    """New rows: genuine ones, with the pair's association moved by exchanging rows; as they are without a pair."""
    new, donors = split(known.rest, seed, size, DONORS)
    if pair is None:
        return new
    direction = ("positive", "negative")[seed % 2]
    attack = AssociativePoisoning(pair[0], levels=pair[1], edits=share, direction=direction)
    return attack.apply(new, holdout=donors, seed=seed).data


def drifting(known: Signed, size: int, seed: int) -> pa.Table:
    """New rows, genuine and of another mix: women are drawn 1.5 times as often."""
    rows, _ = split(known.rest, seed, 4 * size, 1)
    rng = np.random.default_rng([seed, 7])
    chosen = np.array(rows["sex"].to_pylist()) == "Female"
    weight = np.where(chosen, 1.5, 1.0)
    return rows.take(rng.choice(len(weight), size, replace=False, p=weight / weight.sum()))


def looked(known: Signed, new: pa.Table, *, added_only: bool) -> list[frozenset[str]]:
    """The culprits that CZ201 names, strongest first."""
    whole = pa.concat_tables([known.rows, new])
    found = credenza.audit(
        whole, known.home, key=known.key, added_only=added_only, checks=["CZ001", "CZ101", "CZ201", "CZ704"]
    )
    assert next(o for o in found.outcomes if o.code == "CZ704").status == "clear"
    return [frozenset(culprit.features) for culprit in found.result.culprits]


def share(hits: list[bool]) -> str:
    """A share of runs with its interval."""
    if not hits:
        return "-"
    bounds = binomtest(sum(hits), len(hits)).proportion_ci(method="wilson")
    return f"{np.mean(hits):.1%} ({bounds.low:.1%} to {bounds.high:.1%})"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    started, busy = time.perf_counter(), time.process_time()
    pairs = targets()
    print(f"{len(pairs)} pairs to poison: {', '.join(f'{a} x {b}' for (a, b), _ in pairs)}\n")
    print("| new rows | edited | runs | added rows alone | named first | all rows | named first |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        known = [signed(Path(folder), given.seed + k) for k in range(REFERENCES)]
        for size, edited in CASES:
            runs = given.runs if isinstance(edited, float) else 2 * given.runs
            line(size, edited, known, pairs, runs, given.seed)
    print(
        f"\n{date.today()}, {platform.processor() or platform.machine()}, {os.cpu_count()} cores, "
        f"Python {platform.python_version()}, credenza {credenza.__version__}; seeds from {given.seed}; "
        f"{time.perf_counter() - started:.0f} s, {(time.process_time() - busy) / 60:.1f} core-minutes"
    )


def line(
    size: int, edited: str | float, known: list[Signed], pairs: list[tuple[Pair, Pair]], runs: int, seed: int
) -> None:
    """Print one row of the table."""
    alarms: dict[bool, list[bool]] = {True: [], False: []}
    first: dict[bool, list[bool]] = {True: [], False: []}
    for run in range(seed, seed + runs):
        data, pair = known[run % len(known)], pairs[run % len(pairs)] if isinstance(edited, float) else None
        try:
            new = (
                drifting(data, size, run)
                if edited == "none, another mix"
                else update(data, size, edited if isinstance(edited, float) else 0.0, pair, run)
            )
        except (InfeasibleError, InputError):
            continue
        for alone in (True, False):
            culprits = looked(data, new, added_only=alone)
            alarms[alone].append(bool(culprits))
            first[alone].append(bool(culprits) and pair is not None and culprits[0] == frozenset(pair[0]))
    told = [share(alarms[True]), share(first[True]) if pair else "-"]
    told += [share(alarms[False]), share(first[False]) if pair else "-"]
    what = f"{edited:.0%}" if isinstance(edited, float) else edited
    print(f"| {size:,} | {what} | {len(alarms[True])} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main()
