"""How many clean rows dilute a poison: to a share of the rows, or to a strength of an association."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from credenza.errors import InfeasibleError, UsageError

MOST_ROWS = 10**15
ILLUSION = (
    "the rows come from a generator that was fitted on the suspect: they carry its poison, and no number of them "
    "dilutes it; fit it on trusted rows"
)


@dataclass(frozen=True)
class Dilution:
    """What mixing in clean rows does.

    Attributes
    ----------
    add : rows to add; None where no number of them helps.
    total : rows of the mix; those at hand where ``add`` is None.
    before, after : share of poisoned rows or strength of the association, without and with them.
    warning : what makes the figure worthless, or "".
    """

    add: int | None
    total: int
    before: float
    after: float
    warning: str = ""


def exact(value: float | int | str | Fraction) -> Fraction:
    """A number as it was written: 0.01 is one hundredth, and not the nearest binary fraction.

    >>> exact(0.07) * 100
    Fraction(7, 1)
    """
    return value if isinstance(value, Fraction) else Fraction(str(value))


def rows_for_share(poisoned: int, total: int, target: float, *, fitted_on_suspect: bool = False) -> Dilution:
    """Clean rows to add so that at most a share of all rows is poisoned.

    M = max(0, ceil(poisoned / target) - total), in exact arithmetic: with M rows the share is at most the target, with
    one less it is above.

    Parameters
    ----------
    poisoned, total : rows, 0 <= poisoned <= total, total >= 1. target : share, in (0, 1].
    fitted_on_suspect : whether the rows would come from a generator that learnt from the suspect; then none is clean.

    Raises
    ------
    UsageError : a number out of range.

    Notes
    -----
    The poison stays: each poisoned row is as it was, and an attack that needs a number of rows and no share of them
    still has it. Source: MITRE ATLAS, mitigation of data poisoning by synthetic data (AML.M0028).

    Examples
    --------
    >>> rows_for_share(100, 5_000, 0.01).add
    5000
    >>> rows_for_share(7, 100, 0.07).add
    0
    """
    _require_count("total", total, 1)
    _require_count("poisoned", poisoned, 0)
    if poisoned > total:
        raise UsageError(
            f"poisoned is {poisoned:,} and total {total:,}: give no more poisoned rows than rows"
        )
    if not 0 < target <= 1:
        raise UsageError(f"target is {target:g}: give a share above 0 and up to 1")
    before = poisoned / total
    if fitted_on_suspect and poisoned:
        return Dilution(None, total, before, before, ILLUSION)
    add = max(0, ceil(Fraction(poisoned) / exact(target)) - total)
    return Dilution(add, total + add, before, poisoned / (total + add))


def mixed_strength(
    strength: float, rows: int, clean: int, *, gaps: tuple[float, float] = (0.0, 0.0), carried: float = 0.0
) -> float:
    """Strength of an association in a mix, against the reference.

    With w = N / (N + M), strengths e of the suspect and c of the added rows, and gaps d_A, d_B between the shares of
    the two levels (suspect less added rows),

        e' = w e + (1 - w) c + w (1 - w) d_A d_B.

    The last term is 0 exactly when either margin agrees; then clean rows (c = 0) give e N / (N + M). Where both differ,
    mixing makes an association of its own, as two groups of different shares do (Simpson 1951).

    Parameters
    ----------
    strength, carried : e and c, changes of P(A and B) - P(A) P(B) from the reference, in [-0.5, 0.5].
    rows, clean : N >= 1 and M >= 0. gaps : (d_A, d_B), each in [-1, 1].

    Examples
    --------
    >>> mixed_strength(0.05, 1_000, 4_000)
    0.01
    >>> mixed_strength(0.0, 1_000, 1_000, gaps=(0.4, 0.4))
    0.04
    """
    return float(_mixed(exact(strength), rows, clean, exact(gaps[0]) * exact(gaps[1]), exact(carried)))


def rows_for_strength(
    strength: float,
    rows: int,
    target: float,
    *,
    gaps: tuple[float, float] = (0.0, 0.0),
    carried: float = 0.0,
    fitted_on_suspect: bool = False,
) -> Dilution:
    """Clean rows to add so that an association is at most so strong, whatever its sign, and stays so with more rows.

    Parameters
    ----------
    strength, rows, gaps, carried : see :func:`mixed_strength`. target : above 0.
    fitted_on_suspect : whether the rows would come from a generator that learnt from the suspect.

    Returns
    -------
    Dilution : the least M such that |e'| <= target for M rows and any larger number; with agreeing margins
    ceil(N (|e| / target - 1)). No number helps where the added rows carry the association themselves, |c| >= target.

    Raises
    ------
    UsageError : a number out of range. InfeasibleError : more than 1e15 rows.

    Notes
    -----
    Exact: rational arithmetic on the numbers as they are written, and bisection over M. e' is quadratic in w, so it
    suffices to look at its ends and its peak.

    Examples
    --------
    >>> rows_for_strength(0.05, 5_000, 0.01).add
    20000
    >>> rows_for_strength(0.05, 5_000, 0.01, carried=0.02).add is None
    True
    """
    _require_count("rows", rows, 1)
    if not 0 < target <= 0.5:
        raise UsageError(f"the target strength is {target:g}: give a number above 0 and up to 0.5")
    bounds = (
        ("strength", strength, 0.5),
        ("carried", carried, 0.5),
        ("gap", gaps[0], 1),
        ("gap", gaps[1], 1),
    )
    for name, value, most in bounds:
        if not abs(value) <= most:
            raise UsageError(f"{name} is {value:g}: give a number from -{most:g} to {most:g}")
    e, c, s, g = exact(strength), exact(carried), exact(target), exact(gaps[0]) * exact(gaps[1])
    before = float(e)
    if fitted_on_suspect and abs(e) > s:
        return Dilution(None, rows, before, before, ILLUSION)
    if abs(c) >= s:
        told = f"the added rows have the association themselves, at {float(c):+.3g}: no number of them brings it below"
        told = f"{told} {float(s):g}; take rows that do not"
        return Dilution(0 if abs(e) <= s else None, rows, before, before, told)
    add = _least(lambda more: _settled(e, c, g, s, Fraction(rows, rows + more)))
    if add is None:
        raise InfeasibleError(
            f"it takes over {MOST_ROWS:.0e} rows: give a target strength above {float(s):g}"
        )
    return Dilution(add, rows + add, before, float(_mixed(e, rows, add, g, c)))


def _least(suffices: Callable[[int], bool]) -> int | None:
    """The least number that suffices, where all larger ones do; None beyond ``MOST_ROWS``.

    >>> _least(lambda n: n >= 1_000_003)
    1000003
    """
    if suffices(0):
        return 0
    short, enough = 0, 1
    while not suffices(enough):
        short, enough = enough, 2 * enough
        if short > MOST_ROWS:
            return None
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if suffices(middle) else (middle, enough)
    return enough


def _settled(e: Fraction, c: Fraction, g: Fraction, s: Fraction, w: Fraction) -> bool:
    """Whether the strength is inside the band at this share of old rows, and at every smaller one.

    It is w e + (1 - w) c + w (1 - w) g: c at 0, which is inside, then monotone but for one peak.
    """
    places = [w]
    if g and 0 < (peak := (e - c + g) / (2 * g)) < w:
        places.append(peak)
    return all(abs(x * e + (1 - x) * c + x * (1 - x) * g) <= s for x in places)


def _mixed(e: Fraction, rows: int, add: int, g: Fraction, c: Fraction) -> Fraction:
    w = Fraction(rows, rows + add)
    return w * e + (1 - w) * c + w * (1 - w) * g


def _require_count(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_ROWS:
        raise UsageError(f"{name} is {value!r}: give a whole number of rows, {least} or more")
