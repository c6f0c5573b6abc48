"""A generator of tables: the tree of features with most mutual information, sampled from the root outwards."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pyarrow as pa

from credenza.association.counts import PairCounts
from credenza.errors import UsageError
from credenza.models.base import Tensors
from credenza.models.tabular.base import Folder, TableGenerator
from credenza.models.tabular.codec import TableCodec
from credenza.models.tabular.tree import DependencyTree

__all__ = ["ChowLiu"]


class ChowLiu(TableGenerator):
    """Chow and Liu's tree (1968, IEEE Trans. Inf. Theory 14:462): P(x) = P(x_root) prod P(x_j | x_parent(j)).

    Of all distributions in which every feature depends on one other at most, it is the one of maximum likelihood: the
    spanning tree of largest total mutual information. The m - 1 pairs along the tree come out as they are in the
    data; every other pair is as strongly associated as the path between them carries, which is weaker as a rule
    (the data processing inequality). Numbers are binned for the tree and drawn again from the values of their bin,
    rare strings from the pool of rare strings; so marginals are those of the data but for sampling noise.

    Parameters
    ----------
    bins : of a numeric column, 2 to 60. min_share : strings that are rarer are pooled, in [0, 0.5].
    smoothing : >= 0, pseudo-rows a level of the parent, spread as the child's marginal
        (see :meth:`~credenza.models.tabular.tree.DependencyTree.of`); 0 makes no combination along the tree that the
        data does not have.

    Notes
    -----
    Cost: pair counts, O(K^2 n / 128) word operations for K levels, and O(n m log L) to sample n rows: 16,000 rows
    of 40 binary columns are fitted, and 100,000 sampled, in a second. Deterministic given the data; the seed
    decides samples only. Mutual information is corrected for its bias, else columns of many levels attract the tree.

    Values are copied from the data, one at a time: no row is, but a value that occurs once may come out. For private
    data that is no protection.

    Examples
    --------
    >>> table = pa.table({"a": [True, True, False, False] * 50, "b": ["x", "x", "y", "y"] * 50})
    >>> rows = ChowLiu(smoothing=0).fit(table, seed=0).sample(100, seed=1)
    >>> rows.schema.equals(table.schema), sorted({(row["a"], row["b"]) for row in rows.to_pylist()})
    (True, [(False, 'y'), (True, 'x')])
    """

    kind: ClassVar[str] = "chow-liu"

    def __init__(self, *, bins: int = 16, min_share: float = 0.001, smoothing: float = 1.0) -> None:
        if not 0 <= smoothing < float("inf"):
            raise UsageError(f"smoothing is a number of pseudo-rows, 0 or more; found {smoothing!r}")
        super().__init__(bins, min_share)
        self.smoothing = smoothing
        self._tree: DependencyTree | None = None

    def _learn(self, codec: TableCodec, data: pa.Table, seed: int, folder: Folder) -> None:
        """Count the pairs and choose the tree; nothing is random, and too short for checkpoints."""
        counts = PairCounts.empty(codec.schema.sizes).update(codec.codes(data))
        self._tree = DependencyTree.of(counts, self.smoothing)

    def _drawn(self, codec: TableCodec, n: int, rng: np.random.Generator) -> pa.Table:
        assert self._tree is not None
        return codec.sampled(self._tree.sampled(n, rng), rng)

    def _settings(self) -> dict[str, Any]:
        return {"bins": self.bins, "min_share": self.min_share, "smoothing": self.smoothing}

    def _arrays(self) -> Tensors:
        assert self._tree is not None
        return self._tree.arrays()

    def _restore(self, codec: TableCodec, arrays: Tensors) -> None:
        self._tree = DependencyTree.of_arrays(arrays)
