"""Rows as balancing sees them: the cells that each one falls in, in all rows and in slices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from credenza.association.weighted import Weigher
from credenza.contracts import FloatArray, IntArray
from credenza.repair.slices import BoolArray, Where

STRETCH = 4096  # combinations of cells that one look-up serves

Codes = NDArray[np.uint8]
V = TypeVar("V", bound=np.generic)


@dataclass(frozen=True)
class Group:
    """Rows that are weighed among themselves: all of them, or those of one slice.

    Attributes
    ----------
    where : (column, value) of the slice; None for all rows.
    sizes : levels of every feature.
    pairs : the features of every cure.

    Examples
    --------
    >>> group = Group(None, (2, 3), ((0, 1),))
    >>> group.blocks, group.starts.tolist()
    (((0,), (1,), (0, 1)), [0, 1, 3, 6, 12])
    """

    where: Where | None
    sizes: tuple[int, ...]
    pairs: tuple[tuple[int, int], ...]

    @cached_property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """What is counted: the levels of each feature, then the cells of each pair."""
        return (*((f,) for f in range(len(self.sizes))), *self.pairs)

    @cached_property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each block's table."""
        return tuple(tuple(self.sizes[f] for f in block) for block in self.blocks)

    @cached_property
    def starts(self) -> IntArray:
        """Where each block's cells begin, after the one cell that counts all rows; and where the last ends."""
        return np.cumsum([0, 1, *(int(np.prod(shape)) for shape in self.shapes)]).astype(np.int64)

    @property
    def cells(self) -> int:
        """How many cells there are."""
        return int(self.starts[-1])

    def table(self, values: NDArray[V], block: int) -> NDArray[V]:
        """The part of a vector over all cells that belongs to a block; a view."""
        return values[self.starts[block + 1] : self.starts[block + 2]].reshape(self.shapes[block])

    @cached_property
    def stretches(self) -> tuple[tuple[int, ...], ...]:
        """Blocks in runs whose cells make few combinations."""
        runs: list[tuple[int, ...]] = []
        span = STRETCH + 1
        for block, shape in enumerate(self.shapes):
            size = int(np.prod(shape))
            if span * size > STRETCH:
                runs.append(())
                span = 1
            runs[-1] = (*runs[-1], block)
            span *= size
        return tuple(runs)

    def places(self, codes: Codes) -> list[NDArray[np.intp]]:
        """For each stretch the combination of cells that each row falls in."""
        out = []
        for run in self.stretches:
            kind = np.min_scalar_type(int(np.prod([np.prod(self.shapes[block]) for block in run])))
            index = np.zeros(len(codes), kind)
            for block in run:
                for f in self.blocks[block]:
                    index *= kind.type(self.sizes[f])
                    index += codes[:, f].astype(kind, copy=False)
            out.append(index.astype(np.intp))
        return out

    def scores(self, multipliers: FloatArray, places: Sequence[NDArray[np.intp]]) -> FloatArray:
        """Sum of the multipliers of the cells of each row."""
        out = np.full(len(places[0]) if places else 0, multipliers[0])
        for run, index in zip(self.stretches, places, strict=True):
            table = np.zeros(1)
            for block in run:
                table = np.add.outer(table, self.table(multipliers, block).ravel()).ravel()
            out += table[index]
        return out

    def counts(self, weights: FloatArray, places: Sequence[NDArray[np.intp]]) -> FloatArray:
        """Sum of the weights of the rows in each cell."""
        parts = [np.array([weights.sum()])]
        for run, index in zip(self.stretches, places, strict=True):
            sizes = tuple(int(np.prod(self.shapes[block])) for block in run)
            table = np.bincount(index, weights, int(np.prod(sizes))).reshape(sizes)
            axes = range(len(run))
            parts += [table.sum(axis=tuple(a for a in axes if a != k)) for k in axes]
        return np.concatenate(parts)


class Part:
    """Some rows: codes (n, m), and for each group which of them are in it (None: all).

    What is derived from them is kept, so that the same rows can be weighed again and again.
    """

    def __init__(self, groups: tuple[Group, ...], codes: Codes, inside: tuple[BoolArray | None, ...]) -> None:
        self.groups, self.codes, self.inside = groups, codes, inside
        self._weighers: dict[tuple[int, int], tuple[Weigher, BoolArray | None]] = {}

    def take(self, rows: IntArray) -> Part:
        """Some of the rows."""
        inside = tuple(None if mask is None else mask[rows] for mask in self.inside)
        return Part(self.groups, np.asfortranarray(self.codes[rows]), inside)

    def slice(self, start: int, stop: int) -> Part:
        """Rows from ``start`` on, before ``stop``."""
        inside = tuple(None if mask is None else mask[start:stop] for mask in self.inside)
        return Part(self.groups, self.codes[start:stop], inside)

    @cached_property
    def places(self) -> list[list[NDArray[np.intp]]]:
        """For each group :meth:`Group.places` of its rows."""
        return [
            group.places(_rows(self.codes, mask))
            for group, mask in zip(self.groups, self.inside, strict=True)
        ]

    def joint(self, g: int, h: int, weights: FloatArray) -> FloatArray:
        """Weighted rows in every two cells of groups g and h, shape (cells of g, cells of h)."""
        if (g, h) not in self._weighers:
            masks = [mask for mask in (self.inside[g], self.inside[h]) if mask is not None]
            both = np.logical_and.reduce(masks) if masks else None
            self._weighers[g, h] = Weigher(*_columns(self.groups, (g, h), _rows(self.codes, both))), both
        weigher, mask = self._weighers[g, h]
        own = weights if mask is None else weights[mask]
        first, second = self.groups[g].cells, self.groups[h].cells
        out = np.zeros((first, second))
        if len(own):
            inner = weigher.joint(own)
            diagonal, skip = inner.diagonal(), first - 1 if g != h else 0
            out[1:, 1:] = inner[: first - 1, skip : skip + second - 1]
            out[0, 1:], out[1:, 0] = diagonal[skip : skip + second - 1], diagonal[: first - 1]
            out[0, 0] = own.sum()
        return out


def _rows(codes: Codes, mask: BoolArray | None) -> Codes:
    return codes if mask is None else np.asfortranarray(codes[mask])


def _columns(
    groups: tuple[Group, ...], which: tuple[int, int], codes: Codes
) -> tuple[NDArray[np.integer], tuple[int, ...]]:
    """(the cell of each block that each row falls in, cells of each block) for one group, or for two."""
    chosen = [groups[g] for g in dict.fromkeys(which)]
    blocks = [(group.sizes, block) for group in chosen for block in group.blocks]
    sizes = tuple(int(np.prod([sizes[f] for f in block])) for sizes, block in blocks)
    out = np.zeros((len(codes), len(blocks)), np.min_scalar_type(max(sizes) - 1), order="F")
    for k, (levels, block) in enumerate(blocks):
        for f in block:
            out[:, k] *= out.dtype.type(levels[f])
            out[:, k] += codes[:, f].astype(out.dtype, copy=False)
    return out, sizes


def joined(parts: Sequence[Part]) -> Part:
    """The rows of all parts as one."""
    if len(parts) == 1:
        return parts[0]
    inside = []
    for masks in zip(*(part.inside for part in parts), strict=True):
        held = [mask for mask in masks if mask is not None]
        inside.append(np.concatenate(held) if held else None)
    codes = np.asfortranarray(np.concatenate([part.codes for part in parts]))
    return Part(parts[0].groups, codes, tuple(inside))
