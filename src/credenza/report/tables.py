"""Joint tables of a culprit as a page shows them: collapsed to 2x2, and whole."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from credenza.contracts import Culprit, FloatArray

LARGEST = 12
_OUTSIDE = re.compile(r"\([^,]*\)")
_TOLERANCE = 0.01


@dataclass(frozen=True)
class Joint:
    """Two joint tables with the names of their rows and columns, and how many of each were left out."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    reference: FloatArray
    suspect: FloatArray
    rows_left_out: int = 0
    columns_left_out: int = 0


def collapse(culprit: Culprit) -> Joint | None:
    """Sum the culprit's table to 2x2: its level (or cut) of each feature against all the rest.

    Returns
    -------
    Joint or None
        First row and column: the level; second: the rest. None where a cut cannot be found among the levels, or
        the table found has another MCC than the culprit: better no table than a wrong one.

    Examples
    --------
    >>> split(("≤ 20", "20 – 40", "> 40", "(missing)"), "> 20").tolist()
    [False, True, True, False]
    """
    inside = [split(culprit.row_levels, culprit.levels[0]), split(culprit.column_levels, culprit.levels[1])]
    row, column = inside
    if row is None or column is None:
        return None
    left, right = np.stack([row, ~row]).astype(float), np.stack([column, ~column]).astype(float).T
    joint = Joint(
        rows=(culprit.levels[0], "rest"),
        columns=(culprit.levels[1], "rest"),
        reference=left @ culprit.reference_table @ right,
        suspect=left @ culprit.suspect_table @ right,
    )
    found = np.array([_mcc(joint.reference), _mcc(joint.suspect)])
    return None if (np.abs(found - culprit.mcc) > _TOLERANCE).any() else joint


def _mcc(table: FloatArray) -> float:
    (d, c), (b, a) = table
    spread = (a + b) * (c + d) * (a + c) * (b + d)
    return float((a * d - b * c) / np.sqrt(spread)) if spread > 0 else float("nan")


def split(names: Sequence[str], level: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]] | None:
    """Which levels belong to ``level``: the one of that name or, for a cut such as "> 40", all on its side.

    Levels in brackets ("(missing)", "(other)") lie outside the order and are on no side of a cut.
    """
    if level in names:
        return np.array([name == level for name in names])
    cut = re.fullmatch(r"\s*([<>≤≥]=?)\s*(\S.*?)\s*", level)
    if cut is None:
        return None
    first = _first_beyond(names, cut[2])
    if first is None:
        return None
    above = cut[1][0] in ">≥"
    return np.array([not _OUTSIDE.fullmatch(name) and (i >= first) == above for i, name in enumerate(names)])


def _first_beyond(names: Sequence[str], bound: str) -> int | None:
    """Index of the one level that begins where its forerunner ends, at ``bound``."""
    for before in (r"[\w.\-−]", r"[\w.]"):
        pattern = re.compile(rf"(?<!{before}){re.escape(bound)}(?![\w]|\.\d)")
        holds = [pattern.search(name) is not None for name in names]
        starts = [i for i in range(1, len(names)) if holds[i - 1] and holds[i]]
        if len(starts) == 1:
            return starts[0]
    return None


def whole(culprit: Culprit, largest: int = LARGEST) -> Joint:
    """The full table; of more than ``largest`` levels a side, those that moved most, in their order."""
    change = np.abs(culprit.suspect_table - culprit.reference_table)
    rows, columns = _most(change.sum(axis=1), largest), _most(change.sum(axis=0), largest)
    return Joint(
        rows=tuple(culprit.row_levels[i] for i in rows),
        columns=tuple(culprit.column_levels[j] for j in columns),
        reference=culprit.reference_table[np.ix_(rows, columns)],
        suspect=culprit.suspect_table[np.ix_(rows, columns)],
        rows_left_out=len(culprit.row_levels) - len(rows),
        columns_left_out=len(culprit.column_levels) - len(columns),
    )


def _most(moved: FloatArray, largest: int) -> list[int]:
    order = np.argsort(-np.nan_to_num(moved), kind="stable")[:largest]
    return sorted(int(i) for i in order)
