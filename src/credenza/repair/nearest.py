"""Tables that just meet what is demanded of them: margins as they are, the association moved no farther than needed.

Of all tables with the margins of the one found and a given value of a measure that is linear in the table (MCC, rank
correlation), the nearest one in Kullback-Leibler divergence is the found table times exp(theta s), raked back to its
margins, where s are the scores that the measure adds up. For two levels a feature that is the line between the table
found and independence, and beyond it. Cramer's V knows no direction: there s is the log ratio of the table found to
independence, so that theta = -1 is independence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from credenza.association.calibrate import raked
from credenza.contracts import FloatArray, IntArray
from credenza.errors import InfeasibleError

THIN = 1e-9  # of independence is mixed in, so that an empty cell can be filled where nothing else will do
FARTHEST = 64.0  # theta that is tried, with scores of at most 1
STEPS = 50  # halvings of theta
ROUNDS = 50  # over the demands on one pair
SLACK = 1e-7  # by which a demand may be missed, and a margin as a share of the rows
STEEPEST = 600.0  # log ratio of two weights


@dataclass(frozen=True)
class Demand:
    """What a pair's table is to be like: a measure of it between two values.

    Attributes
    ----------
    measure : of a table of counts (L_a, L_b); on the leading levels ``block`` alone.
    low, high : the values allowed.
    block : how many leading levels of each feature count; cells outside stay as they are.
    scores : (block) what the measure adds up, so that it grows with their mean; None: it has no direction, is 0 at
        independence and grows with the distance from it.
    name : of measure and pair, for messages.
    """

    measure: Callable[[FloatArray], float]
    low: float
    high: float
    block: tuple[int, int]
    scores: FloatArray | None
    name: str


def nearest(
    found: Sequence[IntArray], demands: Sequence[Demand], rest: FloatArray | None = None
) -> tuple[FloatArray, ...]:
    """The tables nearest to those found whose sum meets all demands, each with the margins that it has.

    Parameters
    ----------
    found : (L_a, L_b) counts, one table or one for each stratum. They are moved by one theta, so that what goes with
        the strata stays: the margins of every stratum.
    demands : on the sum of the tables and ``rest``, (L_a, L_b) counts that stay as they are.

    Returns
    -------
    Tables (L_a, L_b), not whole; where the demands are met already those found.

    Raises
    ------
    InfeasibleError : no table with these margins meets a demand, or none was found that meets all of them.

    Notes
    -----
    theta is found by doubling and halving. Several demands on one pair are met in turn, again and again (cyclic
    projections; Csiszar 1975). Cost: some 60 rakings for each demand and round; milliseconds for 8 x 8 levels.
    Left out: the fewest rows moved, a linear program whose corners empty some cells and leave others alone.

    Examples
    --------
    >>> from credenza.association.measures import mcc
    >>> independent = Demand(mcc, -0.05, 0.05, (2, 2), np.array([[0.0, 0.0], [0.0, 1.0]]), "MCC")
    >>> nearest([np.array([[40, 10], [10, 40]])], [independent])[0].round(2).tolist()
    [[26.25, 23.75], [23.75, 26.25]]
    """
    tables = tuple(np.asarray(table, float) for table in found)
    fixed = np.zeros_like(tables[0]) if rest is None else np.asarray(rest, float)
    for _ in range(ROUNDS):
        unmet = [demand for demand in demands if not _meets(demand, _whole(tables, fixed))]
        if not unmet:
            return tables
        for demand in unmet:
            tables = _moved(tables, fixed, demand)
    raise InfeasibleError(
        f"no table meets all that the policy expects of {demands[0].name} at once; change the policy"
    )


def _whole(tables: Iterable[FloatArray], fixed: FloatArray) -> FloatArray:
    return np.asarray(sum(tables, fixed))


def _meets(demand: Demand, table: FloatArray) -> bool:
    return demand.low - SLACK <= demand.measure(table) <= demand.high + SLACK


def _moved(tables: tuple[FloatArray, ...], fixed: FloatArray, demand: Demand) -> tuple[FloatArray, ...]:
    """The tables moved until one demand is just met."""
    rises = demand.measure(_whole(tables, fixed)) < demand.low
    sign = 1.0 if rises else -1.0

    def at(theta: float) -> tuple[tuple[FloatArray, ...], bool]:
        moved = tuple(_tilted(table, demand, sign * theta) for table in tables)
        value = demand.measure(_whole(moved, fixed))
        kept = all(_keeps_margins(old, new) for old, new in zip(tables, moved, strict=True))
        return moved, kept and (value >= demand.low if rises else value <= demand.high)

    most = 1.0 if demand.scores is None and not rises else FARTHEST
    low, high = 0.0, min(1.0, most)
    best, met = at(high)
    while not met and high < most:
        low, high = high, min(2 * high, most)
        best, met = at(high)
    if not met:
        raise _out_of_reach(demand, rises, demand.measure(_whole(best, fixed)))
    for _ in range(STEPS):
        middle = (low + high) / 2
        moved, met = at(middle)
        if met:
            best, high = moved, middle
        else:
            low = middle
    return best


def _tilted(table: FloatArray, demand: Demand, theta: float) -> FloatArray:
    """The table times exp(theta s) in the block that counts, with its margins."""
    a, b = demand.block
    held = table[:a, :b]
    total = float(held.sum())
    if total <= 0:
        return table
    rows, columns = held.sum(axis=1) / total, held.sum(axis=0) / total
    even = np.outer(rows, columns)
    base = (1 - THIN) * held / total + THIN * even
    seen = even > 0
    if demand.scores is None:
        scores = np.log(np.where(seen, base / np.where(seen, even, 1.0), 1.0))
    else:
        scores = demand.scores / max(float(np.abs(demand.scores).max()), 1e-300)
    exponent = theta * scores
    exponent -= exponent[seen].max()
    out = table.copy()
    out[:a, :b] = raked(base * np.exp(np.maximum(exponent, -STEEPEST)), rows, columns) * total
    return out


def _keeps_margins(old: FloatArray, new: FloatArray) -> bool:
    off = max(np.abs(old.sum(axis=axis) - new.sum(axis=axis)).max() for axis in (0, 1))
    return bool(off <= SLACK * max(float(old.sum()), 1.0))


def _out_of_reach(demand: Demand, rises: bool, reached: float) -> InfeasibleError:
    wanted, side = (
        (f"{demand.low:+.3f} or more", "most") if rises else (f"{demand.high:+.3f} or less", "least")
    )
    return InfeasibleError(
        f"the policy expects {demand.name} to be {wanted}, and with their marginals it is {reached:+.3f} at {side}; "
        "change the policy"
    )
