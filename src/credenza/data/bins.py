"""Where to cut a continuous column, and what to call the pieces."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from credenza.contracts import FloatArray

TOLERANCE = 1 / 20
_DAY = 86_400e6
TIME_STEPS = (365.25 * _DAY, _DAY, 3_600e6, 60e6, 1e6, 1e3, 1.0)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cut_points(
    values: FloatArray,
    shares: FloatArray,
    *,
    bins: int,
    min_share: float,
    steps: Sequence[float] | None = None,
) -> tuple[float, ...]:
    """Choose the inner edges of about ``bins`` bins of equal mass, at short numbers.

    A value that holds 1 / bins of the mass or more gets a bin of its own; what lies between such values is
    cut at quantiles, in proportion to its mass, no finer than half a bin, though into two wherever it holds
    4 min_share. Bins below min_share are joined to their lighter neighbour while more than two remain. Each
    edge may move by 1/20 of a bin's mass to be a round number.

    Parameters
    ----------
    values : distinct finite numbers, ascending, at least two. shares : their shares of the mass, summing to
    1.
    bins : at least 2. min_share : in [0, 1). steps : grids to round to, coarse first (default: powers of
    ten).

    Returns
    -------
    edges, ascending; bin b is (edges[b-1], edges[b]], and no bin is empty.

    Examples
    --------
    >>> ages = np.arange(1.0, 81.0)
    >>> cut_points(ages, np.full(80, 1 / 80), bins=4, min_share=0.01)
    (20.0, 40.0, 60.0)
    >>> cut_points(np.arange(0.0, 9.0), np.array([0.92] + [0.01] * 8), bins=8, min_share=0.01)
    (0.0, 4.0)
    """
    ends = _bin_ends(shares, bins, min_share)
    ends = _joined(ends, shares, bins, min_share)
    cumulative = np.cumsum(shares)
    slack = TOLERANCE / bins
    edges: list[float] = []
    for position, end in enumerate(ends):
        lower = ends[position - 1] + 1 if position else 0
        upper = ends[position + 1] - 1 if position + 1 < len(ends) else len(values) - 2
        heavy = shares[end] >= 1 / bins or shares[end + 1] >= 1 / bins
        first, last = end, end
        while not heavy and first > lower and cumulative[end] - cumulative[first - 1] <= slack:
            first -= 1
        while not heavy and last < upper and cumulative[last + 1] - cumulative[end] <= slack:
            last += 1
        edges.append(short_number(float(values[first]), float(values[last + 1]), float(values[end]), steps))
    return tuple(edges)


def _bin_ends(shares: FloatArray, bins: int, min_share: float) -> list[int]:
    """Return the positions of the last value of every bin but the last."""
    heavy = np.flatnonzero(shares >= 1 / bins)
    starts = sorted({0, *heavy.tolist(), *(heavy + 1).tolist()} - {len(shares)})
    light_mass = 1.0 - float(shares[heavy].sum())
    allotted = bins - len(heavy)
    ends: list[int] = []
    for start, stop in zip(starts, [*starts[1:], len(shares)], strict=True):
        mass = float(shares[start:stop].sum())
        if start not in heavy and mass > 0 and light_mass > 0:
            finest = max(math.floor(2 * bins * mass + 1e-9), 2 if mass >= 4 * min_share else 1)
            pieces = max(1, min(finest, max(2, round(allotted * mass / light_mass))))
            within = np.cumsum(shares[start:stop])
            targets = mass * np.arange(1, pieces) / pieces
            ends.extend(start + int(i) for i in np.searchsorted(within, targets - 1e-12))
        ends.append(stop - 1)
    return sorted(set(ends) - {len(shares) - 1})


def _joined(ends: list[int], shares: FloatArray, bins: int, min_share: float) -> list[int]:
    """Remove edges beside bins that are too light, and while there are more than ``bins`` bins."""
    cumulative = np.concatenate([[0.0], np.cumsum(shares)])
    ends = list(ends)
    while len(ends) > 1:
        bounds = [0, *(end + 1 for end in ends), len(shares)]
        mass = np.diff(cumulative[bounds])
        lightest = int(mass.argmin())
        if mass[lightest] >= min_share - 1e-12 and len(mass) <= bins:
            break
        if lightest == 0:
            del ends[0]
        elif lightest == len(mass) - 1:
            del ends[-1]
        else:
            del ends[lightest if mass[lightest + 1] < mass[lightest - 1] else lightest - 1]
    return ends


def short_number(low: float, high: float, near: float, steps: Sequence[float] | None = None) -> float:
    """Return the roundest number in [low, high), the one nearest to ``near`` among equally round ones.

    ``steps`` are the grids to try, coarse first; by default the powers of ten down to the width of the
    interval.

    Examples
    --------
    >>> short_number(117_812.0, 118_405.0, 118_000.5), short_number(0.3333, 0.3341, 0.3333)
    (118000.0, 0.334)
    """
    if steps is None:
        top = math.floor(math.log10(max(abs(low), abs(high), 1e-300)))
        steps = [10.0**power for power in range(top, max(top - 17, -301), -1)]
    if low <= 0.0 < high and steps[-1] != 1.0:
        return 0.0
    for step in steps:
        first, last = math.ceil(low / step), math.ceil(high / step) - 1
        nearest = min(max(round(near / step), first), last)
        candidate = nearest / round(1 / step) if step < 1 else nearest * step
        if first <= last and low <= candidate < high:
            return candidate
    return near


def number_label(value: float) -> str:
    """Return a number as people write it: no ".0", up to 15 digits.

    Examples
    --------
    >>> number_label(28.0), number_label(0.1), number_label(-1.5e-9)
    ('28', '0.1', '-1.5e-09')
    """
    return f"{value + 0.0:.15g}"


def time_label(microseconds: float) -> str:
    """Return microseconds since 1970 as ISO 8601 (UTC), without a midnight.

    Examples
    --------
    >>> time_label(0.0), time_label(86_400e6 + 3_600e6)
    ('1970-01-01', '1970-01-02T01:00:00')
    """
    try:
        moment = _EPOCH + timedelta(microseconds=int(microseconds))
    except OverflowError:
        return f"{number_label(microseconds / 1e6)} s"
    text = moment.replace(tzinfo=None).isoformat()
    return text.removesuffix("T00:00:00")


def bin_labels(thresholds: Sequence[str]) -> tuple[str, ...]:
    """Return the labels of the bins between written-out edges.

    Examples
    --------
    >>> bin_labels(["28", "33"])
    ('<= 28', '(28, 33]', '> 33')
    """
    inner = [f"({low}, {high}]" for low, high in itertools.pairwise(thresholds)]
    return (f"<= {thresholds[0]}", *inner, f"> {thresholds[-1]}")
