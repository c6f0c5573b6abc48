"""The state of an associative attack: which row, or which row's value, stands in each place so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.association.measures import mcc, mutual_information
from credenza.attacks.base import Plan, members, spelled
from credenza.attacks.columns import (
    BoolArray,
    CodedColumn,
    cast_column,
    choose_level,
    combined,
    encode_values,
    stacked_column,
)
from credenza.attacks.key import Move
from credenza.attacks.plan import Pair, plan_swaps
from credenza.contracts import IntArray
from credenza.data.edits import Edits, edited, gather, take_values
from credenza.data.sources import Source
from credenza.errors import InputError


@dataclass
class Board:
    """The data's rows (the first n) and the hold-out's behind them, and what stands in each place of the data.

    Attributes
    ----------
    columns : by feature, its codes over all rows and its values. strata : one code for each combination of the strata's
        values, over all rows. inside : rows of the slice, shape (n,).
    origin : which row stands in each place of the data, shape (n,); for whole rows.
    taken : by feature, which row each place has its value from; for relabelling.
    spent : rows of the hold-out that have been put in.
    """

    source: Source
    holdout: Source | None
    mode: str
    where: Mapping[str, Any] | None
    columns: Mapping[str, tuple[IntArray, tuple[Any, ...]]]
    strata: IntArray
    inside: BoolArray
    origin: IntArray
    spent: BoolArray
    taken: dict[str, IntArray] = field(default_factory=dict)
    moved: list[tuple[Pair, int]] = field(default_factory=list)

    @classmethod
    def read(
        cls,
        source: Source,
        holdout: Source | None,
        features: Sequence[str],
        strata: Sequence[str],
        where: Mapping[str, Any] | None,
        mode: str,
    ) -> Board:
        """Read the features and strata of the data and the hold-out; nothing else is."""
        if holdout is not None:
            require_same_columns(source, holdout)
        total = source.rows + (0 if holdout is None else holdout.rows)
        codes = np.zeros(total, dtype=np.int64)
        for name in strata:
            codes = combined(codes, *encode_values(stacked_column(source, holdout, name), name))
        return cls(
            source,
            holdout,
            mode,
            where,
            {name: encode_values(stacked_column(source, holdout, name), name) for name in features},
            codes,
            members(source, where),
            np.arange(source.rows),
            np.zeros(total, dtype=bool),
        )

    def pair(self, names: tuple[str, str], levels: Sequence[Any], pairs: Sequence[tuple[str, str]]) -> Pair:
        """A pair as it stands, in strata that keep what must not move while it is."""
        a, b = (self._coded(name, level) for name, level in zip(names, levels, strict=True))
        if self.mode == "relabel":
            kept = {x for pair in pairs if names[1] in pair for x in pair} - set(names)
        else:
            kept = set(self.columns) - set(names)
        strata = self.strata.copy()
        for name in sorted(kept):
            strata = combined(strata, self._now(name), self.columns[name][1])
        strata[: self.source.rows][~self.inside] = -1
        strata[self.spent] = -1
        return Pair(a, b, strata, self.source.rows, self.mode)

    def move(self, pair: Pair, count: int, asked: str, seed: int | tuple[int, int]) -> None:
        """Carry out ``|count|`` swaps of a pair."""
        i, j, donors = plan_swaps(pair, count, asked, np.random.default_rng(seed))
        edited_rows = np.concatenate([i, j])
        self.moved.append((pair, count))
        if self.mode == "relabel":
            now = self.taken.get(pair.b.name, np.arange(self.source.rows))
            after = now.copy()
            after[edited_rows] = now[donors]
            self.taken[pair.b.name] = after
            return
        self.origin[edited_rows] = self.origin[donors] if self.mode == "duplicate" else donors
        if self.mode == "replace":
            self.spent[donors] = True

    def plan(self) -> Plan:
        """The edits, and what they did to every pair."""
        n = self.source.rows
        if self.mode == "relabel":
            changed = [np.flatnonzero(index != np.arange(n)) for index in self.taken.values()]
            rows = np.unique(np.concatenate(changed)) if changed else np.zeros(0, np.int64)
            values = {
                name: take_values(self.source.table([name])[name], index[rows])
                for name, index in self.taken.items()
            }
            edits, donors = Edits.values(rows, values), np.zeros(0, np.int64)
        else:
            rows = np.flatnonzero(self.origin != np.arange(n))
            donors = self.origin[rows] - (n if self.mode == "replace" else 0)
            edits = Edits.donated(rows, self._donors(donors), keep=tuple(self.where or ()))
        moves = tuple(self._move(pair, count) for pair, count in self.moved)
        return Plan(edited(self.source, edits), rows, self.mode, donors, moves)

    def _coded(self, name: str, level: object) -> CodedColumn:
        """A feature of the data as it stands, and of the hold-out; its level is one that the clean data has."""
        codes, values = self.columns[name]
        chosen = choose_level(name, codes[: self.source.rows], values, level, self.inside)
        return CodedColumn(name, self._now(name), values, chosen)

    def _now(self, name: str) -> IntArray:
        """Codes over all rows, those of the data as they stand."""
        codes = self.columns[name][0]
        index = self.taken.get(name) if self.mode == "relabel" else self.origin
        return codes if index is None else np.concatenate([codes[index], codes[self.source.rows :]])

    def _move(self, pair: Pair, count: int) -> Move:
        def counts(codes: Callable[[str], IntArray]) -> IntArray:
            a, b = (replace(c, codes=codes(c.name)) for c in (pair.a, pair.b))
            return replace(pair, a=a, b=b).counts()

        before, after = counts(lambda name: self.columns[name][0]), counts(self._now)
        total, inside = int(before.sum()), int(self.inside.sum())
        return Move(
            features=(pair.a.name, pair.b.name),
            levels=(pair.a.level_label, pair.b.level_label),
            direction="positive" if count > 0 else "negative" if count < 0 else "none",
            strength=count / total,
            where=spelled(self.where),
            rows=inside,
            rows_missing=inside - total,
            before=measures(before),
            after=measures(after),
        )

    def _donors(self, donors: IntArray) -> pa.Table:
        giver = self.source if self.holdout is None else self.holdout
        table = gather(giver, donors, self.source.columns)
        schema = self.source.schema
        arrays = [cast_column(table[field.name], field) for field in schema]
        return pa.table(arrays, names=schema.names)


def require_same_columns(source: Source, holdout: Source, role: str = "hold-out") -> None:
    """Raise InputError when the hold-out (or what has another role) has other columns than the data."""
    ours, theirs = set(source.columns), set(holdout.columns)
    if ours == theirs:
        return
    parts = [
        f"{word} {', '.join(repr(name) for name in sorted(names)[:3])}{' ...' if len(names) > 3 else ''}"
        for word, names in (("lacks", ours - theirs), ("adds", theirs - ours))
        if names
    ]
    raise InputError(f"the {role} {' and '.join(parts)}; it must have the same columns as the data")


def measures(counts: IntArray) -> dict[str, Any]:
    joint = counts / counts.sum()
    return {
        "joint": joint.tolist(),
        "marginals": [float(joint[1].sum()), float(joint[:, 1].sum())],
        "mi": mutual_information(joint),
        "mcc": mcc(joint),
    }
