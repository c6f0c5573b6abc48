"""Near-duplicates: rows whose embeddings are closer than a radius, found exactly along one direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.data.matrix import Numbers

MOST_ROWS = 200_000  # that are compared; of more, a seeded sample is
QUERY = 256  # rows that are compared with their window at a time
WINDOW = 1 << 12  # rows of a window that are compared at a time
WIDE = 2.0  # the larger radius, in radii
WIDE_ROWS = 20_000  # that are compared within it, or a few more
AXIS_ROWS, AXIS_STEPS = 4_096, 8
SHOWN = 5


@dataclass(frozen=True)
class NearPairs:
    """Which rows have neighbours within a radius.

    Attributes
    ----------
    rows : int64 (r,), the rows that were compared, ascending: all, or a sample.
    neighbours : int64 (r,), how many others of these are within the radius.
    nearest : float64 (r,), distance of the nearest of them; infinite where there is none.
    radius : of the search. pairs : within it.
    copies : of these, pairs of identical rows.
    wide : pairs of rows that differ within twice the radius, counted from a share of the rows. wide_share : that share.
    examples : a few of the closest pairs, as rows.
    """

    rows: IntArray
    neighbours: IntArray
    nearest: FloatArray
    radius: float
    pairs: int
    copies: int
    wide: int
    wide_share: float
    examples: tuple[tuple[int, int], ...]

    @property
    def scores(self) -> FloatArray:
        """How close the nearest neighbour is: 1 - distance / radius, 0 where none is within it; (r,), in [0, 1]."""
        return np.maximum(0.0, 1.0 - self.nearest / self.radius)

    @property
    def chance(self) -> float:
        """Pairs within the radius that a continuous distribution gives at most, by those within twice the radius.

        A quarter of these, as in two dimensions (it is less in more), and two standard errors.
        """
        return float((self.wide + 2.0 * np.sqrt(self.wide) + 2.0) / self.wide_share / WIDE**2)


def typical_distance(embeddings: Numbers, *, seed: int = 0) -> float:
    """Root mean square distance of two rows, from a seeded sample of 20,000; sqrt(2 x the sum of variances).

    >>> round(typical_distance(np.array([[0.0, 0.0], [1.0, 1.0]])), 6)
    1.0
    """
    rows = drawn_rows(len(embeddings), 20_000, seed)
    return float(np.sqrt(2.0 * np.asarray(embeddings[rows], np.float64).var(axis=0).sum()))


def near_pairs(embeddings: Numbers, radius: float, *, seed: int = 0) -> NearPairs:
    """Find all pairs of rows within a radius.

    Parameters
    ----------
    embeddings : (n, d). radius : positive, Euclidean. seed : of the sample, where there are more than 200,000 rows.

    Returns
    -------
    NearPairs

    Notes
    -----
    Exact, to the precision of the numbers given: rows are sorted by their projection on the direction of largest
    variance; two rows within the radius are within it there too, so each block of rows is compared with a window of the
    order only. Distances are screened in float32 and settled in float64; identical rows are compared once. Cost: n^2 d
    times the share of rows in a window, so a few seconds for 20,000 rows and minutes for 100,000 of 128 columns that
    all vary alike; less where some direction varies more. Left out: random projections, which would miss some.

    Examples
    --------
    >>> found = near_pairs(np.array([[0.0, 0.0], [5.0, 5.0], [0.0, 0.1], [9.0, 0.0]]), 0.2)
    >>> found.pairs, found.neighbours.tolist(), found.examples
    (1, [1, 0, 1, 0], ((0, 2),))
    """
    rows = drawn_rows(len(embeddings), MOST_ROWS, seed)
    values = np.asarray(embeddings[rows])
    distinct, back, copies = _distinct(values)
    search = _Search(values[distinct], copies, radius, seed)
    search.run()
    copied = copies[back] - 1
    nearest = np.where(copied > 0, 0.0, search.nearest[back])
    own = int((copies * (copies - 1) // 2).sum())
    neighbours = search.neighbours[back] + copied
    order = np.argsort(nearest, kind="stable")[: 4 * SHOWN]
    close = [int(k) for k in order if np.isfinite(nearest[k])]
    first = {int(g): int(k) for k, g in reversed(list(enumerate(back)))}
    examples: list[tuple[int, int]] = []
    for k in close:
        other = first[int(back[k])] if copied[k] else first[int(search.partner[back[k]])]
        pair = (int(rows[min(k, other)]), int(rows[max(k, other)]))
        if k != other and pair not in examples:
            examples.append(pair)
    return NearPairs(
        rows,
        neighbours,
        nearest,
        radius,
        own + search.pairs,
        own,
        search.wide,
        search.wide_rows / len(distinct),
        tuple(examples[:SHOWN]),
    )


class _Search:
    """Pairs of distinct rows within a radius, each row standing for its copies."""

    def __init__(self, values: Numbers, copies: IntArray, radius: float, seed: int) -> None:
        centre = values.mean(axis=0, dtype=np.float64)
        along = (values - centre) @ _axis(values, centre, seed)
        self.order = np.argsort(along, kind="stable")
        self.along = along[self.order]
        self.exact = values[self.order]
        coarse = (self.exact - centre).astype(np.float32)
        self.squares = np.einsum("nd,nd->n", coarse, coarse)
        half, one = self.squares[:, None] / -2.0, np.ones((len(values), 1), np.float32)
        self.left = np.concatenate([coarse, half, one], axis=1)  # left @ right = -(squared distance) / 2
        self.right = np.concatenate([coarse, one, half], axis=1)
        self.copies, self.radius = copies, radius
        self.neighbours = np.zeros(len(values), np.int64)
        self.nearest = np.full(len(values), np.inf)
        self.partner = np.full(len(values), -1, np.int64)
        self.pairs = self.wide = self.wide_rows = 0

    def run(self) -> None:
        """Compare every block of rows with those that follow within the radius along the axis; some within twice it."""
        n, slack = len(self.order), 1e-5 * float(np.abs(self.along).max(initial=0.0))
        every = max(1, n // WIDE_ROWS)
        for block, start in enumerate(range(0, n, QUERY)):
            stop = min(start + QUERY, n)
            wide = block % every == 0
            reach = self.radius * (WIDE if wide else 1.0)
            self.wide_rows += (stop - start) * wide
            end = int(np.searchsorted(self.along, self.along[stop - 1] + reach + slack, side="right"))
            for first in range(start, end, WINDOW):
                self._compare(start, stop, first, min(first + WINDOW, end), reach)

    def _compare(self, start: int, stop: int, first: int, last: int, reach: float) -> None:
        closeness = self.left[start:stop] @ self.right[first:last].T
        slack = 1e-5 * float(self.squares[start:stop].max() + self.squares[first:last].max())
        bound = -(reach**2 + slack) / 2.0
        if closeness.max() < bound:
            return
        i, j = np.nonzero(closeness >= bound)
        i, j = i + start, j + first
        i, j = i[later := j > i], j[later]
        step = max(1, (1 << 22) // self.exact.shape[1])
        for k in range(0, len(i), step):
            self._settle(i[k : k + step], j[k : k + step], reach)

    def _settle(self, i: IntArray, j: IntArray, reach: float) -> None:
        apart = self.exact[i].astype(np.float64) - self.exact[j]
        distance = np.sqrt(np.einsum("nd,nd->n", apart, apart))
        a, b = self.order[i], self.order[j]
        weight = self.copies[a] * self.copies[b]
        if reach > self.radius:
            self.wide += int((distance <= reach).sum())
        near = distance <= self.radius
        a, b, distance = a[near], b[near], distance[near]
        self.pairs += int(weight[near].sum())
        for one, two in ((a, b), (b, a)):
            np.add.at(self.neighbours, one, self.copies[two])
            closest = np.argsort(-distance, kind="stable")  # of equal places the last, the closest, stays
            better = distance[closest] < self.nearest[one[closest]]
            places, values = one[closest][better], distance[closest][better]
            self.nearest[places] = values
            self.partner[places] = two[closest][better]


def drawn_rows(rows: int, most: int, seed: int) -> IntArray:
    """Rows, ascending: all, or a seeded sample of at most so many.

    >>> drawn_rows(3, 5, 0).tolist(), len(drawn_rows(100, 5, 0))
    ([0, 1, 2], 5)
    """
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng((seed, rows)).choice(rows, most, replace=False))


def _distinct(values: Numbers) -> tuple[IntArray, IntArray, IntArray]:
    """(first row of each distinct one, which of them each row is, how many rows each is)."""
    rows = np.ascontiguousarray(values + 0.0)  # one zero
    keys = rows.view(np.dtype((np.void, rows.dtype.itemsize * rows.shape[1]))).ravel()
    _, first, back, copies = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return first, back.ravel(), copies


def _axis(values: Numbers, centre: FloatArray, seed: int) -> FloatArray:
    """The direction of largest variance, near enough, by power iteration on a sample of the rows."""
    sample = values[drawn_rows(len(values), AXIS_ROWS, seed)] - centre
    axis = np.asarray(np.random.default_rng(seed).normal(size=values.shape[1]))
    for _ in range(AXIS_STEPS):
        turned = sample.T @ (sample @ axis)
        if not turned.any():
            break
        axis = np.asarray(turned / np.linalg.norm(turned))
    return np.asarray(axis / np.linalg.norm(axis))
