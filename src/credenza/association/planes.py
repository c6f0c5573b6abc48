"""Bit planes of a whole table: pair counts on demand, for tables whose pair counts are too many to keep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.first_levels import restore_block, with_first_levels
from credenza.association.kernels import check_codes, cross_counts, inner_counts, pack_codes
from credenza.association.plane_chunks import Chosen, Chunks, Planes
from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError

DENSE_PLANES = 4_096  # levels of all features together up to which all pair counts are kept as one matrix
MEMORY_BYTES = 512 * 2**20  # bit planes up to this size stay in memory, larger ones go to a temporary file
CHUNK_BYTES = 64 * 2**20  # planes are kept in chunks of so many bytes, each with all planes of some rows
PIECE_ROWS = 4_096  # rows that are packed at a time


class PlaneStore:
    """The bit planes of all levels but the first of every feature, over all rows of a table.

    With m features of K levels in all, the pair counts are K^2 integers: 3.2 GB at 10,000 binary features. Their bit
    planes take (K - m) n / 8 bytes, 25 MB for 20,000 rows, and any block of the pair counts can be counted from them.

    Parameters
    ----------
    sizes : L of each feature.
    rows : rows to come, as far as known; decides where the planes are kept. More or fewer may be added.
    folder : where the temporary file goes; None for the system's folder.
    memory : bytes of planes that are kept in memory; beyond, all go to the file. It has no name, and the system takes
        its space back when the store is closed, collected, or the process ends.

    Attributes
    ----------
    sizes : L of each feature. rows : n, the rows added so far.

    Raises
    ------
    InputError : codes that do not fit the features, or no space for the file.

    Notes
    -----
    Memory: min(planes, ``memory``) + 128 MB (the chunk that is being filled, and pieces of it), and n m bytes a batch
    for the codes that the caller hands over. A block of pair counts reads its planes a chunk at a time.

    Exact, and the same however the rows are cut into batches. One process on one machine: a store cannot be sent to the
    workers of a cluster, so Spark does not audit tables of more than ``DENSE_PLANES`` levels.

    Examples
    --------
    >>> codes = np.array([[0, 1, 2], [1, 1, 0], [1, 0, 2]], np.uint8)
    >>> store = PlaneStore((2, 2, 3), rows=3).add(codes)
    >>> store.table(0, 1).tolist(), store.marginal(2).tolist()
    ([[0, 1], [1, 1]], [1, 0, 2])
    >>> store.block([0], [1, 2]).tolist()
    [[0, 1, 0, 0, 1], [1, 1, 1, 0, 1]]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        rows: int,
        folder: str | Path | None = None,
        *,
        memory: int = MEMORY_BYTES,
    ) -> None:
        self.sizes = tuple(int(s) for s in sizes)
        self.rows = 0
        self._starts = np.concatenate(([0], np.cumsum(np.array(self.sizes, np.int64) - 1))).astype(np.int64)
        self._expected = -(-max(rows, 0) // 64)
        expected = 8 * self.planes * self._expected
        self._chunks = Chunks(self.planes, expected=expected, memory=memory, folder=folder)
        self._open: Planes = np.zeros((self.planes, 0), np.uint64)
        self._filled = 0
        self._tail: Planes = np.zeros((self.planes, 1), np.uint64)
        self._ones = np.zeros(self.planes, np.int64)

    @property
    def planes(self) -> int:
        """R, the planes: the levels of all features less the first of each."""
        return int(self._starts[-1])

    @property
    def on_disk(self) -> bool:
        """Whether the planes are in a temporary file."""
        return self._chunks.on_disk

    def add(self, codes: NDArray[np.uint8]) -> PlaneStore:
        """Append rows, in place: codes (n, m), ``codes[r, j] < sizes[j]``.

        Cost: O(n m). Raises InputError for another number of features or a code beyond its feature's levels.
        """
        check_codes(codes, self.sizes)
        for first in range(0, len(codes), PIECE_ROWS):
            piece = np.asfortranarray(codes[first : first + PIECE_ROWS])
            self.add_planes(pack_codes(piece, self.sizes), len(piece))
        return self

    update = add  # as the state of a fold

    def add_planes(self, planes: Planes, rows: int) -> PlaneStore:
        """Append rows that are packed already, in place: planes (R, words), bits beyond ``rows`` are 0."""
        if planes.shape != (self.planes, -(-rows // 64)):
            raise InputError(
                f"planes of shape {planes.shape} for {rows:,} rows of {self.planes} planes: "
                f"one plane a level beyond the first, 64 rows a word"
            )
        held = self.rows % 64
        self.rows += rows
        if not held:
            whole = rows // 64
            self._append(planes[:, :whole])
            self._tail = planes[:, whole:].copy() if rows % 64 else np.zeros((self.planes, 1), np.uint64)
            return self
        moved = np.zeros((self.planes, planes.shape[1] + 1), np.uint64)
        moved[:, 0] = self._tail[:, 0]
        moved[:, :-1] |= planes << np.uint64(held)
        moved[:, 1:] |= planes >> np.uint64(64 - held)
        whole = (held + rows) // 64
        self._append(moved[:, :whole])
        self._tail = moved[:, whole : whole + 1].copy()
        return self

    def merge(self, other: PlaneStore) -> PlaneStore:
        """Append the rows of another store to this one, in place; the other is left as it is.

        Raises InputError where the levels differ.
        """
        if self.sizes != other.sizes:
            raise InputError(
                f"bit planes of {len(self.sizes)} and {len(other.sizes)} features with differing levels: "
                "pack both with one schema"
            )
        rows = other.rows
        for chunk in other._read(slice(0, other.planes)):
            here = min(rows, 64 * chunk.shape[1])
            self.add_planes(chunk, here)
            rows -= here
        return self

    def close(self) -> None:
        """Give back memory and disk; nothing can be read afterwards."""
        self._chunks.close()

    def __reduce__(self) -> str:
        raise UsageError(
            f"a table of more than {DENSE_PLANES:,} levels is audited in one process: "
            "use --engine local, or fewer columns"
        )

    def margins(self) -> IntArray:
        """Counts of every level of every feature, first levels restored; shape (K,)."""
        return with_first_levels(self._inner_margins(), self.sizes, self.rows)

    def marginal(self, i: int) -> IntArray:
        """Counts (L_i,) of one feature's levels."""
        inner = self._inner_margins()[self._starts[i] : self._starts[i + 1]]
        return np.concatenate(([self.rows - inner.sum()], inner)).astype(np.int64)

    def table(self, i: int, j: int) -> IntArray:
        """Contingency table (L_i, L_j) of two features; cost: one pass over their planes."""
        return self.block([i], [j])

    def part(self, features: Sequence[int]) -> PairCounts:
        """The pair counts of a few features, in the order given; cost R^2 n / 128 for their R planes."""
        chosen = self._planes_of(features)
        sizes = tuple(self.sizes[f] for f in features)
        inner = np.zeros((sum(sizes) - len(sizes),) * 2, np.int64)
        for chunk in self._read(chosen):
            inner = inner_counts(chunk, inner)
        return PairCounts(sizes, self.rows, inner)

    def block(self, features_i: Sequence[int], features_j: Sequence[int]) -> IntArray:
        """Count every level of some features with every level of others.

        Parameters
        ----------
        features_i, features_j : positions; a ``range`` is read as one piece.

        Returns
        -------
        int64 (K_I, K_J), the levels of each in the order given.

        Notes
        -----
        Cost: R_I R_J n / 64 AND + population counts. Memory: 8 K_I K_J bytes twice, and two chunks' parts.
        """
        chosen_i, chosen_j = self._planes_of(features_i), self._planes_of(features_j)
        ones = self._inner_margins()
        inner = np.zeros((len(ones[chosen_i]), len(ones[chosen_j])), np.int64)
        for a, b in zip(self._read(chosen_i), self._read(chosen_j), strict=True):
            inner += cross_counts(a, b)
        sizes_i, sizes_j = ([self.sizes[f] for f in part] for part in (features_i, features_j))
        margin_i = with_first_levels(ones[chosen_i], sizes_i, self.rows)
        margin_j = with_first_levels(ones[chosen_j], sizes_j, self.rows)
        return restore_block(inner, sizes_i, sizes_j, margin_i, margin_j)

    def _append(self, words: Planes) -> None:
        """Add whole words of all planes to the chunk that is being filled, and keep it when it is full."""
        self._ones += np.bitwise_count(words).sum(axis=1, dtype=np.int64)
        done = 0
        while done < words.shape[1]:
            if not self._open.shape[1]:
                self._open = np.empty((self.planes, self._next_width()), np.uint64)
            take = min(words.shape[1] - done, self._open.shape[1] - self._filled)
            self._open[:, self._filled : self._filled + take] = words[:, done : done + take]
            done, self._filled = done + take, self._filled + take
            if self._filled == self._open.shape[1]:
                self._chunks.append(self._open)
                self._open, self._filled = np.zeros((self.planes, 0), np.uint64), 0

    def _next_width(self) -> int:
        """Words of the next chunk: CHUNK_BYTES, or what is still expected where that is less."""
        most = max(1, CHUNK_BYTES // (8 * max(self.planes, 1)))
        left = self._expected - self._chunks.words
        return min(most, left) if left > 0 else most

    def _read(self, chosen: Chosen) -> Iterator[Planes]:
        """The chosen planes of all rows, a chunk at a time, the unfinished one last."""
        yield from self._chunks.read(chosen)
        if self._filled or self.rows % 64:
            last = (self._open[chosen, : self._filled], self._tail[chosen])
            yield np.concatenate(last if self.rows % 64 else last[:1], axis=1)

    def _planes_of(self, features: Sequence[int]) -> Chosen:
        """The planes of some features, as a slice where these follow each other."""
        if isinstance(features, range) and features.step == 1 and len(features):
            return slice(int(self._starts[features[0]]), int(self._starts[features[-1] + 1]))
        runs = [np.arange(self._starts[f], self._starts[f + 1]) for f in features]
        return np.concatenate(runs) if runs else np.empty(0, np.int64)

    def _inner_margins(self) -> IntArray:
        """Rows that have each plane's level; shape (R,)."""
        return self._ones + np.bitwise_count(self._tail[:, 0])
