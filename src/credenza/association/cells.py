"""Cells: the distinct combinations of levels that rows take on a few features, and weights that depend on them only.

A calibration sees nothing of a row but its cell. So the cells of all rows, counted in one pass over a few columns,
are enough to solve it for a table of any length, and a sum of one term a target gives the weight of every row.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError

MAX_CELLS = 2_000_000  # distinct combinations that are kept; more exceed the state
DENSE_SPAN = 2**20  # possible combinations up to which they are counted in an array rather than sorted
WORD_SPAN = 2**62  # combinations that one word of a key tells apart

Codes = NDArray[np.integer]
Run = tuple[IntArray, IntArray]


@dataclass(frozen=True)
class Cells:
    """How many rows take each combination of levels of a few features; a commutative monoid over rows.

    Attributes
    ----------
    features : positions of the features in the table they come from.
    sizes : L of each of them.
    rows : rows counted.
    runs : sorted distinct keys (C, words) and their counts (C,), each run more than twice as long as the next.
    cap : distinct combinations that are kept.
    exceeded : there were more; then nothing is kept but the number of rows.

    Notes
    -----
    Memory: at most about twice ``cap`` keys of 8 bytes a word (one word up to 2^62 possible combinations) and as many
    counts. Cost: one pass over the codes and, beyond ``DENSE_SPAN`` possible combinations, a sort of each batch; runs
    are merged when they are of like length, so each key is merged O(log rows) times.

    Examples
    --------
    >>> cells = Cells.empty((3, 7), (2, 3)).update(np.array([[0, 2], [1, 0], [0, 2]], np.uint8))
    >>> codes, counts = cells.read()
    >>> codes.tolist(), counts.tolist()
    ([[0, 2], [1, 0]], [2, 1])
    """

    features: tuple[int, ...]
    sizes: tuple[int, ...]
    rows: int
    runs: tuple[Run, ...]
    cap: int
    exceeded: bool

    @classmethod
    def empty(cls, features: Iterable[int], sizes: Iterable[int], *, cap: int = MAX_CELLS) -> Cells:
        """The cells of no rows; ``sizes`` are the levels of these features, in their order."""
        return cls(tuple(map(int, features)), tuple(map(int, sizes)), 0, (), cap, False)

    def update(self, codes: Codes) -> Cells:
        """Add rows: codes (n, features) of these features only.

        Raises
        ------
        InputError : another number of columns than features, or a code beyond its feature's levels.
        """
        if codes.ndim != 2 or codes.shape[1] != len(self.sizes):
            raise InputError(
                f"codes of shape {codes.shape} for the cells of {len(self.sizes)} features: one column a feature"
            )
        for k, size in enumerate(self.sizes):
            if codes[:, k].max(initial=0) >= size:
                raise InputError(
                    f"code {codes[:, k].max()} of feature {self.features[k]}, which has {size} levels: "
                    f"codes run from 0 to {size - 1}"
                )
        rows = self.rows + len(codes)
        if self.exceeded or not len(codes):
            return replace(self, rows=rows)
        return self._with(rows, (*self.runs, _counted(codes, self.sizes)))

    def merge(self, other: Cells) -> Cells:
        """The cells of both sets of rows.

        Raises
        ------
        InputError : the two count other features, or levels.
        """
        if (self.features, self.sizes, self.cap) != (other.features, other.sizes, other.cap):
            raise InputError(
                f"cells of features {_listed(self.features)} and of {_listed(other.features)}: "
                "only cells of the same features, levels and cap can be merged"
            )
        rows = self.rows + other.rows
        if self.exceeded or other.exceeded:
            return replace(self, rows=rows, runs=(), exceeded=True)
        runs = sorted((*self.runs, *other.runs), key=lambda run: -len(run[1]))
        return self._with(rows, tuple(runs))

    __add__ = merge

    def _with(self, rows: int, runs: tuple[Run, ...]) -> Cells:
        """Merge runs from the shortest on until each is more than twice as long as the next."""
        while len(runs) > 1 and len(runs[-2][1]) <= 2 * len(runs[-1][1]):
            runs = (*runs[:-2], _merged(runs[-2:]))
        exceeded = any(len(counts) > self.cap for _, counts in runs)
        return replace(self, rows=rows, runs=() if exceeded else runs, exceeded=exceeded)

    def whole(self) -> Cells:
        """The same cells in one run; tells for certain whether the cap is exceeded."""
        if len(self.runs) < 2:
            return self
        run = _merged(self.runs)
        over = len(run[1]) > self.cap
        return replace(self, runs=() if over else (run,), exceeded=over)

    def read(self) -> tuple[Codes, IntArray]:
        """Distinct combinations: codes (C, features) and counts (C,), in the order of their codes.

        Raises
        ------
        InputError : there are more than the cap.
        """
        whole = self.whole()
        if whole.exceeded:
            raise InputError(
                f"more than {self.cap:,} combinations of {len(self.sizes)} features in {self.rows:,} rows: "
                "solve on a sample"
            )
        if not whole.runs:
            return np.empty((0, len(self.sizes)), np.uint8, order="F"), np.empty(0, np.int64)
        ((words, counts),) = whole.runs
        return _decoded(words, self.sizes), counts


def combinations(codes: Codes, sizes: tuple[int, ...]) -> tuple[Codes, IntArray, IntArray]:
    """Distinct rows of ``codes`` (n, F): (their codes (C, F), their counts (C,), the combination of each row (n,)).

    Examples
    --------
    >>> rows, counts, index = combinations(np.array([[1, 0], [0, 1], [1, 0]], np.uint8), (2, 2))
    >>> rows.tolist(), counts.tolist(), index.tolist()
    ([[0, 1], [1, 0]], [1, 2], [1, 0, 1])
    """
    words = _words(codes, sizes)
    if _span(sizes) <= DENSE_SPAN:
        counts = np.bincount(words[:, 0], minlength=1)
        present = np.flatnonzero(counts)
        place = np.zeros(len(counts), np.int64)
        place[present] = np.arange(len(present))
        return _decoded(present[:, None], sizes), counts[present], place[words[:, 0]]
    order, starts = _sorted(words)
    index = np.empty(len(order), np.int64)
    index[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(order)))
    first = order[starts]
    distinct = np.empty((len(first), len(sizes)), np.uint8, order="F")
    for f in range(len(sizes)):
        distinct[:, f] = codes[first, f]
    return distinct, np.diff(starts, append=len(order)), index


@dataclass(frozen=True)
class CellWeights:
    """Row weights that depend on the cell only: w = exp(sum of one term for each target - offset).

    Attributes
    ----------
    features : positions of the features that the weights depend on, ascending.
    sizes : L of each of them.
    terms : for each target, positions *in features* and the multipliers of its cells (L,) or (L_a, L_b); -inf gives
        weight zero.
    offset : log of the normaliser: the mean over the rows that the weights were solved on is 1.

    Examples
    --------
    >>> rule = CellWeights((4,), (2,), (((0,), np.log([0.5, 1.5])),), 0.0)
    >>> rule.of(np.array([[0], [1], [1]], np.uint8)).tolist()
    [0.5, 1.5, 1.5]
    """

    features: tuple[int, ...]
    sizes: tuple[int, ...]
    terms: tuple[tuple[tuple[int, ...], FloatArray], ...]
    offset: float

    def of(self, codes: Codes) -> FloatArray:
        """Weights (n,) of rows with codes (n, features) of these features; cost one look-up a row and target.

        Raises
        ------
        InputError : another number of columns than features.
        """
        if codes.ndim != 2 or codes.shape[1] != len(self.features):
            raise InputError(
                f"codes of shape {codes.shape} for weights that depend on {len(self.features)} features: "
                "one column a feature"
            )
        score = np.full(len(codes), -self.offset)
        for places, table in self.terms:
            score += table[tuple(codes[:, k] for k in places)]
        return np.asarray(np.exp(score))


def _listed(features: tuple[int, ...]) -> str:
    return ", ".join(map(str, features)) or "none"


def _span(sizes: tuple[int, ...]) -> int:
    span = 1
    for size in sizes:
        span *= size
    return span


def _groups(sizes: tuple[int, ...]) -> list[range]:
    """Runs of consecutive features whose combinations fit in one word; at least one."""
    starts, span = [0], 1
    for f, size in enumerate(sizes):
        if span * size > WORD_SPAN:
            starts.append(f)
            span = 1
        span *= size
    return [range(a, b) for a, b in zip(starts, [*starts[1:], len(sizes)], strict=True)]


def _words(codes: Codes, sizes: tuple[int, ...]) -> IntArray:
    """Keys (n, words): the codes as digits of one number, or of a few where it would not fit in a word."""
    groups = _groups(sizes)
    out = np.zeros((len(codes), len(groups)), np.int64, order="F")
    for w, group in enumerate(groups):
        for f in group:
            out[:, w] *= sizes[f]
            out[:, w] += codes[:, f]
    return out


def _decoded(words: IntArray, sizes: tuple[int, ...]) -> Codes:
    """The codes behind keys, uint8 (C, F)."""
    out = np.empty((len(words), len(sizes)), np.uint8, order="F")
    for w, group in enumerate(_groups(sizes)):
        rest = words[:, w].copy()
        for f in reversed(group):
            rest, out[:, f] = np.divmod(rest, sizes[f])
    return out


def _sorted(words: IntArray) -> tuple[IntArray, IntArray]:
    """An order that sorts the keys, and where in it each distinct key begins."""
    order = np.argsort(words[:, 0]) if words.shape[1] == 1 else np.lexsort(words.T[::-1])
    ranked = words[order]
    new = np.ones(len(order), bool)
    new[1:] = (ranked[1:] != ranked[:-1]).any(axis=1)
    return order.astype(np.int64), np.flatnonzero(new).astype(np.int64)


def _counted(codes: Codes, sizes: tuple[int, ...]) -> Run:
    """One run from rows."""
    words = _words(codes, sizes)
    if _span(sizes) <= DENSE_SPAN:
        counts = np.bincount(words[:, 0])
        present = np.flatnonzero(counts)
        return present[:, None].astype(np.int64), counts[present].astype(np.int64)
    return _merged(((words, np.ones(len(words), np.int64)),))


def _merged(runs: Iterable[Run]) -> Run:
    """One run with the keys of all."""
    words, counts = (np.concatenate(part) for part in zip(*runs, strict=True))
    order, starts = _sorted(words)
    return words[order[starts]], np.add.reduceat(counts[order], starts)
