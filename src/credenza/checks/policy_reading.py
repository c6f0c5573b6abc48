"""How an expectation reads the table of its pair: the part that counts, by which measure, and how exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.association.measures import cramers_v, mcc, rank_correlation
from credenza.association.tails import normal_isf
from credenza.checks.policy_file import Expectation
from credenza.contracts import FloatArray, IntArray
from credenza.data import Feature, Kind, Schema
from credenza.errors import InputError

DRAWS = 400
MEASURES = {"MCC": mcc, "rank correlation": rank_correlation, "Cramer's V": cramers_v}


@dataclass(frozen=True)
class Reading:
    """How one expectation reads the table of its pair.

    Attributes
    ----------
    expectation : what was declared.
    features : positions of the two features in the schema.
    measure : "MCC", "rank correlation" or "Cramer's V".
    block : how many leading levels of each feature count; the others, missing values, are left out.
    cell : the one level of each that is meant, by position; None for all levels.
    """

    expectation: Expectation
    features: tuple[int, int]
    measure: str
    block: tuple[int, int]
    cell: tuple[int, int] | None = None

    def part(self, table: FloatArray | IntArray) -> FloatArray:
        """The table that is measured, of the table (L_a, L_b) of all levels."""
        held = np.asarray(table, float)[: self.block[0], : self.block[1]]
        if self.cell is None:
            return held
        p, q = self.cell
        x, u, v, n = held[p, q], held[p].sum(), held[:, q].sum(), held.sum()
        return np.array([[n - u - v + x, v - x], [u - x, x]])

    def value(self, table: FloatArray | IntArray) -> float:
        """The association in [-1, 1]; 0 where a feature has one level only."""
        held = self.part(table)
        return float(MEASURES[self.measure](held)) if _varies(held) else 0.0

    def error(self, table: FloatArray | IntArray, seed: int | tuple[int, ...]) -> float:
        """Standard error of :meth:`value`, by a multinomial bootstrap of 400 draws; NaN for a feature of one level."""
        held = self.part(table)
        if not _varies(held):
            return float("nan")
        measure, n = MEASURES[self.measure], int(held.sum())
        draws = np.random.default_rng(seed).multinomial(n, (held / n).ravel(), size=DRAWS)
        spread = float(np.std([measure(draw) for draw in draws.reshape(DRAWS, *held.shape)], ddof=1))
        return max(spread, 1.0 / n)

    def breaks(self, value: float, error: float, z: float) -> bool:
        """Whether the interval of z standard errors to each side lies outside what was declared."""
        return value - z * error > self.expectation.high or value + z * error < self.expectation.low


def reading_of(schema: Schema, expectation: Expectation, data: str) -> Reading:
    """Read an expectation in the vocabulary of an audit.

    Parameters
    ----------
    schema : features and levels. data : how the data is called in messages.

    Raises
    ------
    InputError : a feature that is not audited, an unknown level, or a sign where levels have no order.

    Examples
    --------
    >>> features = tuple(Feature(name, Kind.BINARY, ("no", "yes"), values=("no", "yes")) for name in "ab")
    >>> declared = Expectation(("a", "b"), None, "independent", -0.05, 0.05)
    >>> reading = reading_of(Schema(features), declared, "data")
    >>> reading.measure, round(reading.value(np.array([[30, 10], [10, 30]])), 3)
    ('MCC', 0.5)
    """
    i, j = (_position(schema, name, data) for name in expectation.features)
    a, b = schema.features[i], schema.features[j]
    if expectation.levels is not None:
        cell = _level(a, expectation.levels[0]), _level(b, expectation.levels[1])
        return Reading(expectation, (i, j), "MCC", (a.size, b.size), cell)
    ranks = [2 if f.kind is Kind.BINARY else f.ordered for f in (a, b)]
    if min(ranks) >= 2:
        both_binary = a.kind is b.kind is Kind.BINARY
        return Reading(
            expectation, (i, j), "MCC" if both_binary else "rank correlation", (ranks[0], ranks[1])
        )
    _require_no_sign(expectation)
    return Reading(expectation, (i, j), "Cramer's V", (a.size, b.size))


def critical_value(fdr: float, declared: int) -> float:
    """Standard errors to each side of an interval: Bonferroni over the declared pairs.

    >>> round(critical_value(0.05, 1), 2)
    1.96
    """
    return float(normal_isf(fdr / (2 * max(declared, 1))))


def _varies(table: FloatArray) -> bool:
    return bool(min(np.count_nonzero(table.sum(axis=axis)) for axis in (0, 1)) >= 2)


def _require_no_sign(e: Expectation) -> None:
    if e.expect in ("positive", "negative"):
        raise InputError(
            f"the policy expects {e.features[0]!r} and {e.features[1]!r} to be {e.expect}, "
            'and levels without an order have no sign: add levels = ["a", "b"], or give bounds'
        )


def _position(schema: Schema, name: str, data: str) -> int:
    if name in schema.names:
        return schema.index(name)
    reason = dict(schema.skipped).get(name, f"{data} has no such column")
    raise InputError(
        f"the policy speaks of {name!r}, which is not audited ({reason}): change the policy or the columns"
    )


def _level(feature: Feature, level: str) -> int:
    if level in feature.levels:
        return feature.levels.index(level)
    known = ", ".join(map(repr, feature.levels[:8]))
    raise InputError(f"the policy speaks of the level {level!r} of {feature.name!r}, which has {known}")
