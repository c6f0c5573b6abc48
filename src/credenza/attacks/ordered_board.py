"""The state of a re-pairing attack: which row each edited column has its values from so far."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.attacks.base import Plan, members, spelled
from credenza.attacks.columns import BoolArray, combined, encode_values
from credenza.attacks.key import Move
from credenza.attacks.ordered_columns import Ordered, ordered, present
from credenza.contracts import IntArray
from credenza.data.edits import Edits, edited, take_values
from credenza.data.sources import Source
from credenza.errors import InfeasibleError


@dataclass(frozen=True)
class OrderedPair:
    """The workable rows of a pair as it stands.

    Attributes
    ----------
    complete : rows of the slice that have both values, ascending; shape (k,).
    x, y : the two features of those rows. strata : their strata, shape (k,), or None.
    before : correlations of those rows in the clean data.
    """

    names: tuple[str, str]
    complete: IntArray
    x: Ordered
    y: Ordered
    strata: IntArray | None
    before: Mapping[str, float]

    @property
    def pearson(self) -> float:
        """Pearson's correlation as the pair stands, NaN for a constant or infinite column."""
        return float(self.x.scores @ self.y.scores)

    def correlations(self, index: IntArray) -> dict[str, float]:
        """Pearson's and Spearman's correlation once row r has the second value of row ``index[r]``."""
        return {
            "pearson": float(self.x.scores @ self.y.scores[index]),
            "spearman": float(self.x.rank_scores @ self.y.rank_scores[index]),
        }

    def require(self, share: float | None) -> int:
        """How many rows a share of them is (all for None); raises InfeasibleError when they are fewer than two."""
        total = len(self.complete)
        if total < 2:
            first, second = self.names
            raise InfeasibleError(
                f"{total} rows have both {first!r} and {second!r}; re-pairing needs at least 2 complete rows"
            )
        size = total if share is None else round(share * total)
        if size < 2:
            raise InfeasibleError(
                f"edits {share:g} leaves {size} of {total:,} complete rows to re-pair; at least 2 are needed"
            )
        return size


@dataclass
class OrderedBoard:
    """The columns that were read, and which row each place of an edited one has its value from, by name."""

    source: Source
    where: Mapping[str, Any] | None
    strata: IntArray | None
    inside: BoolArray
    columns: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    taken: dict[str, IntArray] = field(default_factory=dict)
    moved: list[Move] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @classmethod
    def read(cls, source: Source, strata: Sequence[str], where: Mapping[str, Any] | None) -> OrderedBoard:
        """Read the strata and the slice."""
        codes = np.zeros(source.rows, dtype=np.int64)
        for name in strata:
            codes = combined(codes, *encode_values(source.table([name])[name], name))
        return cls(source, where, codes if strata else None, members(source, where))

    def pair(self, names: tuple[str, str]) -> OrderedPair:
        """A pair as it stands. Re-pairing moves values between complete rows only, so these never change."""
        clean = [self._column(name) for name in names]
        mask = self.inside & present(clean[0], names[0]) & present(clean[1], names[1])
        complete = np.flatnonzero(mask)
        x, y = (ordered(column, name, complete) for column, name in zip(clean, names, strict=True))
        strata = None if self.strata is None else self.strata[complete]
        here = OrderedPair(names, complete, x, y, strata, {})
        before = here.correlations(np.arange(len(complete)))
        if names[0] in self.taken:
            x = ordered(take_values(clean[0], self.taken[names[0]]), names[0], complete)
        return OrderedPair(names, complete, x, y, strata, before)

    def move(self, pair: OrderedPair, direction: str, size: int, index: IntArray) -> None:
        """Carry out a re-pairing of the pair's complete rows, in which ``size`` rows took part."""
        changed = pair.y.changed(index)
        places = np.arange(self.source.rows)
        places[pair.complete[changed]] = pair.complete[index[changed]]
        self.taken[pair.names[1]] = places
        self.sizes.append(size)
        inside = int(self.inside.sum())
        self.moved.append(
            Move(
                features=tuple(pair.names),
                levels=None,
                direction=direction if changed.any() else "none",
                strength=None,
                where=spelled(self.where),
                rows=inside,
                rows_missing=inside - len(pair.complete),
                before=pair.before,
                after=pair.correlations(index),
            )
        )

    def plan(self) -> Plan:
        """The edits: new values of the edited columns, in the rows where any of them changed."""
        home = np.arange(self.source.rows)
        changed = {name: index != home for name, index in self.taken.items()}
        rows = np.flatnonzero(np.any(list(changed.values()), axis=0))
        values = {name: take_values(self._column(name), index[rows]) for name, index in self.taken.items()}
        details = {
            "size_rows": self.sizes,
            "edited_rows": [int(changed[move.features[1]].sum()) for move in self.moved],
        }
        output = edited(self.source, Edits.values(rows, values))
        return Plan(output, rows, "re-pair", moves=tuple(self.moved), details=details)

    def _column(self, name: str) -> pa.ChunkedArray:
        if name not in self.columns:
            self.columns[name] = self.source.table([name])[name]
        return self.columns[name]
