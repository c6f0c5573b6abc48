"""Worlds to test statistics on: real tables where they are at hand, synthetic and shipped ones everywhere."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import stats

from credenza.attacks import AssociativePoisoning
from credenza.checks import Evidence, Settings
from credenza.contracts import Culprit
from credenza.data import open_source

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CERTAINTY = 1e-3  # chance that a test fails although the rate is what it should be


def most(rate: float, runs: int) -> int:
    """The largest count that a true rate of ``rate`` still makes plausible."""
    return int(stats.binom.isf(CERTAINTY, runs, rate))


def least(rate: float, runs: int) -> int:
    """The smallest count that a true rate of ``rate`` still makes plausible."""
    return int(stats.binom.ppf(CERTAINTY, runs, rate))


def real(name: str) -> pa.Table:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"{name} is not beside this checkout")
    return pq.read_table(path)


@cache
def factors(n: int = 16_000, features: int = 20) -> pa.Table:
    """Binary features with three common causes and base rates from 1% to 70%; x0 and x1 are the common ones."""
    rng = np.random.default_rng(5)
    hidden = rng.normal(size=(n, 3))
    rates = np.concatenate([[0.45, 0.6], np.linspace(0.01, 0.7, features - 2)])
    columns = {}
    for k, rate in enumerate(rates):
        score = hidden @ rng.normal(scale=0.7, size=3) + rng.normal(size=n)
        columns[f"x{k}"] = score > np.quantile(score, 1 - rate)
    return pa.table(columns)


@cache
def binary_world(name: str) -> tuple[pa.Table, tuple[str, str]]:
    """A table of binary features, and the two whose odds drift."""
    if name == "celeba":
        return real("celeba_attributes.parquet").drop_columns(["image_id"]), ("Male", "Young")
    return factors(), ("x0", "x1")


def split(table: pa.Table, seed: int, *sizes: int) -> list[pa.Table]:
    """Disjoint random parts."""
    order = np.random.default_rng([seed, 7]).permutation(table.num_rows)
    stops = np.cumsum((0, *sizes))
    return [table.take(order[a:b]) for a, b in pairwise(stops)]


@cache
def movable(name: str, strength: float, ratio: float) -> tuple[tuple[str, str, int], ...]:
    """Pairs and directions with donors to spare; ``ratio`` is suspect rows over hold-out rows."""
    table, _ = binary_world(name)
    bits = np.stack([table[c].to_numpy().astype(float) for c in table.column_names], axis=1)
    joint = bits.T @ bits / len(bits)
    found = []
    for i, j in combinations(range(len(joint)), 2):
        both, one, other = joint[i, j], joint[i, i] - joint[i, j], joint[j, j] - joint[i, j]
        neither = 1 - both - one - other
        pair = table.column_names[i], table.column_names[j]
        if min(both, neither) > 1.3 * strength * ratio and min(one, other) > 1.3 * strength:
            found.append((*pair, 1))
        elif min(one, other) > 1.3 * strength * ratio and min(both, neither) > 1.3 * strength:
            found.append((*pair, -1))
    return tuple(found)


def draw_pairs(name: str, strength: float, ratio: float, seed: int, count: int) -> list[tuple[str, str, int]]:
    """Random movable pairs without a feature in common."""
    candidates = movable(name, strength, ratio)
    chosen: list[tuple[str, str, int]] = []
    for k in np.random.default_rng([seed, 8]).permutation(len(candidates)):
        if len(chosen) < count and not {*candidates[k][:2]} & {x for p in chosen for x in p[:2]}:
            chosen.append(candidates[k])
    return chosen


def poison(
    suspect: pa.Table, pairs: list[tuple[str, str, int]], strength: float, holdout: pa.Table, seed: int
) -> pa.Table:
    """Replace rows by genuine ones of equal parts of a hold-out, one part a pair."""
    part = holdout.num_rows // len(pairs)
    for k, (a, b, sign) in enumerate(pairs):
        attack = AssociativePoisoning((a, b), strength=sign * strength)
        suspect = attack.apply(suspect, holdout=holdout.slice(k * part, part), seed=seed).data
    return suspect


def drifted(table: pa.Table, names: tuple[str, str], seed: int) -> pa.Table:
    """Thin the rows so that the odds of two features shift by e^0.7 each."""
    score = sum(table[name].to_numpy().astype(float) for name in names)
    keep = np.random.default_rng([seed, 9]).random(table.num_rows) < np.exp(0.7 * (score - 2.0))
    return table.take(np.flatnonzero(keep))


def climbed(suspect: pa.Table, reference: pa.Table) -> tuple[tuple[Culprit, ...], bool]:
    """(culprits, whether anything is still significant once they are explained)."""
    seen = Evidence(open_source(suspect), open_source(reference), Settings())
    climb = seen.inquiry.climb
    left = seen.inquiry.ladder.significant(climb.last, [step.pair for step in climb.steps])
    return seen.inquiry.culprits(), bool(left.size)
