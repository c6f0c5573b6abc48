"""Models of one condition against the clean ones: Mann and Whitney's test with exact p-values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Any

import numpy as np

from credenza.errors import InputError


@dataclass(frozen=True)
class Comparison:
    """Two groups of models.

    Attributes
    ----------
    u : of the second group, 0 to n m. p : two-sided. least : the smallest p that groups of these sizes can reach.
    """

    u: float
    p: float
    least: float


def mann_whitney(clean: Sequence[float], other: Sequence[float]) -> Comparison:
    """Whether the second group tends to other values than the first.

    ``U = #{(x, y): y > x} + #{(x, y): y = x} / 2``; p from the distribution of U over all ``C(n + m, n)`` ways to
    divide the values, two-sided.

    Parameters
    ----------
    clean, other : one number a model, n and m of them, at least one each.

    Raises
    ------
    InputError : an empty group, or a value that is not finite.

    Notes
    -----
    With 3 + 3 models the smallest p is .10, with 4 + 4 .029, with 5 + 5 .008, with 10 + 10 .00001: what cannot be
    significant has not been shown to be equal. Ties make p conservative. Source: Mann & Whitney 1947, Ann. Math.
    Statist. 18:50. Left out: corrections for the number of comparisons, as in the paper.

    Examples
    --------
    >>> mann_whitney([1.0, 2.0, 3.0], [4.0, 5.0, 6.0])
    Comparison(u=9.0, p=0.1, least=0.1)
    """
    from scipy.stats import mannwhitneyu

    if not clean or not other:
        raise InputError(f"a comparison needs models in both groups; found {len(clean)} and {len(other)}")
    if not np.isfinite([*clean, *other]).all():
        raise InputError("a comparison needs finite numbers; found NaN or infinity")
    found = mannwhitneyu(other, clean, alternative="two-sided", method="exact")
    least = min(1.0, 2 / comb(len(clean) + len(other), len(clean)))
    return Comparison(float(found.statistic), min(1.0, float(found.pvalue)), least)


Record = dict[str, Any]
Read = Callable[[Record], float | None]


def _mean_of(place: int) -> Read:
    return lambda record: float(record["generated"]["measures"]["marginals"][place])


def _colour_of(place: int) -> Read:
    def read(record: Record) -> float | None:
        tones = record["generated"]["measures"]["colours"]
        return None if tones is None else float(tones[place])

    return read


# What is compared, and where it stands in a record.
MEASURES: dict[str, Read] = {
    "mcc": lambda record: record["generated"]["measures"]["mcc"],
    "mi": lambda record: record["generated"]["measures"]["mi"],
    "mcc_corrected": lambda record: (record["generated"]["measures"].get("corrected") or {}).get("mcc"),
    "pcc": lambda record: record["generated"]["measures"]["pcc"],
    "marginal_a": _mean_of(0),
    "marginal_b": _mean_of(1),
    "colour_a": _colour_of(0),
    "colour_b": _colour_of(1),
    "quality": lambda record: record["generated"]["quality"]["value"],
}


def values(records: Sequence[Record], measure: str) -> list[float]:
    """One number a model, those that have it."""
    found = (MEASURES[measure](record) for record in records)
    return [float(value) for value in found if value is not None]


def spread(numbers: Sequence[float]) -> dict[str, Any] | None:
    """Mean, standard deviation (divisor n - 1; 0 for one) and the numbers; None for none.

    >>> spread([1.0, 3.0])
    {'mean': 2.0, 'sd': 1.4142135623730951, 'values': [1.0, 3.0]}
    """
    if not numbers:
        return None
    sd = float(np.std(numbers, ddof=1)) if len(numbers) > 1 else 0.0
    return {"mean": float(np.mean(numbers)), "sd": sd, "values": [float(x) for x in numbers]}


def against_clean(clean: Sequence[Record], other: Sequence[Record], measure: str) -> dict[str, Any] | None:
    """The spread of a measure among the models of a condition, with U and p against the clean ones where there are any.

    None where the models have no such measure.
    """
    mine, theirs = values(other, measure), values(clean, measure)
    found = spread(mine)
    if found is None or not theirs or clean is other:
        return found
    test = mann_whitney(theirs, mine)
    return {**found, "u": test.u, "p": test.p, "least_p": test.least}
