"""Is a share of the batch's rows larger than of the reference's? Exact tests, and the size of the excess."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import FloatArray


@dataclass(frozen=True)
class Excess:
    """Rows of the batch that have something, against the reference.

    Attributes
    ----------
    found, rows : of the batch. expected : the share that the reference gives. p : of no excess.
    """

    found: int
    rows: int
    expected: float
    p: float

    @property
    def share(self) -> float:
        """Share of the batch's rows beyond the expected one; may be negative."""
        return self.found / max(self.rows, 1) - self.expected

    def beyond(self, share: float, level: float) -> bool:
        """Whether the excess is larger than a share, and noise does not explain it."""
        return self.share > share and self.p <= level


def share_excess(own: NDArray[np.bool_], known: NDArray[np.bool_]) -> Excess:
    """Compare shares of two samples by Fisher's exact test, one-sided.

    Parameters
    ----------
    own, known : which rows of the batch (n,), and of the reference (N,), have it; those of the reference as if each
        had been left out of what it is judged by.

    Notes
    -----
    Given x + y rows in both samples together, x is hypergeometric under equal shares (Fisher 1935). The rows of the
    reference are judged by one another, which makes them weakly dependent; that is left out. Cost: O(n + N).

    Examples
    --------
    >>> found = share_excess(np.arange(100) < 8, np.arange(1_000) < 10)
    >>> found.found, round(found.share, 2), found.beyond(0.05, 0.001)
    (8, 0.07, True)
    """
    from scipy import stats  # slow to import

    x, y, n, total = int(own.sum()), int(known.sum()), len(own), len(known)
    p = float(stats.hypergeom.sf(x - 1, n + total, x + y, n)) if x else 1.0
    return Excess(x, n, y / max(total, 1), p)


def tail_cut(known: FloatArray, share: float) -> tuple[float, int]:
    """(cut, k): the k-th largest of the reference's scores, with k about ``share`` of them; at least the largest.

    >>> tail_cut(np.arange(200.0), 0.01)
    (198.0, 2)
    """
    k = min(max(1, int(share * (len(known) + 1))), len(known))
    return float(np.partition(known, len(known) - k)[len(known) - k]), k


def tail_excess(own: FloatArray, known: FloatArray, share: float) -> Excess:
    """Do more of the batch's scores than of the reference's lie in the upper tail?

    Parameters
    ----------
    own, known : scores of both, (n,) and (M,), M >= 1; those of the reference out of sample. share : of the tail.

    Notes
    -----
    If all scores are exchangeable, the number of own ones above the k-th largest known one is beta-binomial(n, k,
    M + 1 - k), whatever their distribution; with ties it is smaller. Cost: O(n + M).

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> tail_excess(rng.normal(size=1_000), rng.normal(size=1_000), 0.01).p > 0.05
    True
    >>> tail_excess(rng.normal(1.0, size=1_000), rng.normal(size=1_000), 0.01).p < 0.05
    True
    """
    from scipy import stats

    cut, k = tail_cut(known, share)
    found = int((own > cut).sum())
    p = float(stats.betabinom.sf(found - 1, len(own), k, len(known) + 1 - k)) if found else 1.0
    return Excess(found, len(own), k / (len(known) + 1), p)
