"""How many clean and how many synthetic rows a mix takes, in whole numbers."""

from __future__ import annotations

from fractions import Fraction

from credenza.errors import UsageError
from credenza.synthetic.base import require_count, require_share
from credenza.synthetic.dilute import exact, rows_for_share

USUAL = Fraction(1, 5)  # of the clean rows, made where nothing is said
TARGET = 0.01  # share of poisoned rows that is made for where their number is known


def rows_of_each(clean: int, synthetic: int, share: float | None, rows: int | None) -> tuple[int, int]:
    """Clean and synthetic rows of a mix.

    Parameters
    ----------
    clean, synthetic : rows that there are.
    share : of synthetic rows in the mix, in [0, 1]. Alone: beside all clean rows as many synthetic ones as make the
        share (1: the synthetic ones only).
    rows : of the mix. Alone: in the proportion that there is. Neither: all rows.

    Raises
    ------
    UsageError : a number out of range, or more rows asked for than there are.

    Examples
    --------
    >>> rows_of_each(800, 500, 0.2, None), rows_of_each(800, 500, 0.5, 600), rows_of_each(800, 500, None, 130)
    ((800, 200), (300, 300), (80, 50))
    """
    if rows is not None:
        require_count("rows", rows)
    if share is not None:
        require_share("share", share, zero=True)
    wanted = _wanted(clean, synthetic, share, rows)
    for kind, asked, there in (("clean", wanted[0], clean), ("synthetic", wanted[1], synthetic)):
        if asked > there:
            raise UsageError(f"the mix takes {asked:,} {kind} rows and there are {there:,}; {_way_out(kind)}")
    if not sum(wanted):
        raise UsageError("the mix has no rows; ask for more, or give rows of the other kind")
    return wanted


def rows_to_make(clean: int, share: float | None, rows: int | None, poisoned: int | None) -> int:
    """Synthetic rows to make for a mix with all clean rows, or with ``rows`` rows.

    Without a share: what brings known poisoned rows down to 1%, else a fifth of the clean rows.

    Examples
    --------
    >>> rows_to_make(5_000, None, None, 100), rows_to_make(5_000, None, None, None), rows_to_make(800, 0.2, None, None)
    (5000, 1000, 200)
    """
    if share is None:
        made = rows_for_share(poisoned, clean, TARGET).add if poisoned else _rounded(clean * USUAL)
        return made or 0
    require_share("share", share, zero=True)
    if rows is not None:
        return _rounded(rows * exact(share))
    if share == 1:
        raise UsageError("a share of 1 has no clean rows to go by; give the number of rows as well")
    return _rounded(clean * exact(share) / (1 - exact(share)))


def _wanted(clean: int, synthetic: int, share: float | None, rows: int | None) -> tuple[int, int]:
    if share is None:
        if rows is None:
            return clean, synthetic
        made = _rounded(Fraction(rows * synthetic, max(clean + synthetic, 1)))
        return rows - made, made
    part = exact(share)
    if rows is not None:
        made = _rounded(rows * part)
        return rows - made, made
    if part == 1:
        return 0, synthetic
    return clean, _rounded(clean * part / (1 - part))


def _rounded(value: Fraction) -> int:
    """The nearest whole number, halves up."""
    return int((2 * value + 1) // 2)


def _way_out(kind: str) -> str:
    if kind == "clean":
        return "give fewer rows, a larger share, or more clean data"
    return "make more, or give fewer rows or a smaller share"
