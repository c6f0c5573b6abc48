"""Features and their levels: the one vocabulary that both sides of an audit are encoded in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np

from credenza.contracts import IntArray
from credenza.data.columns import Family, truth
from credenza.errors import InputError, UsageError

OTHER = "(other)"
MISSING = "(missing)"
MAX_LEVELS = 64


class Kind(StrEnum):
    """How a feature's levels came about."""

    BINARY = "binary"
    CATEGORICAL = "categorical"
    CONTINUOUS = "continuous"
    DATETIME = "datetime"


@dataclass(frozen=True)
class Feature:
    """One column and its L levels; the code of a row is the position of its level.

    Attributes
    ----------
    name, kind : column name and kind.
    levels : labels in code order.
    ordered : how many leading levels are bins in ascending order; 0 for binary and categorical features.
    edges : of continuous and datetime features, ascending; bin b is (edges[b-1], edges[b]] and the end bins
        are open, so that infinities fall into them. Datetimes in microseconds since 1970 (UTC).
    values : raw values of the kept levels of a binary or categorical feature, or of a continuous one with one
        bin a value: all bool, all float or all str.
    other, missing : codes of "(other)" and "(missing)", or None. Missing is always last.
    """

    name: str
    kind: Kind
    levels: tuple[str, ...]
    ordered: int = 0
    edges: tuple[float, ...] = ()
    values: tuple[bool | float | str, ...] = ()
    other: int | None = None
    missing: int | None = None

    @property
    def size(self) -> int:
        """L, the number of levels."""
        return len(self.levels)

    @property
    def family(self) -> Family:
        """What columns hold that this feature encodes: bool, number, string or temporal."""
        if self.kind is Kind.DATETIME:
            return Family.TEMPORAL
        if self.kind is Kind.CONTINUOUS or not self.values:
            return Family.NUMBER
        first = self.values[0]
        return (
            Family.BOOL
            if isinstance(first, bool)
            else Family.STRING
            if isinstance(first, str)
            else Family.NUMBER
        )

    @property
    def spells_truth(self) -> bool:
        """Whether the feature is binary and its values mean true and false in any spelling."""
        return self.kind is Kind.BINARY and {truth(value) for value in self.values} == {True, False}

    def cut(self, k: int) -> str:
        """Return the label for "beyond bin k": "> 28" for ordered features, the second level for binary ones.

        Raises
        ------
        UsageError : there is no such cut.

        Examples
        --------
        >>> Feature("age", Kind.CONTINUOUS, ("<= 28", "> 28"), 2, (28.0,)).cut(0)
        '> 28'
        """
        if self.kind is Kind.BINARY and k == 0:
            return self.levels[1]
        if not 0 <= k < self.ordered - 1:
            raise UsageError(
                f"{self.name!r} has no cut {k}; it has {max(self.ordered - 1, 0)} cuts, counted from 0"
            )
        if self.values:
            return f"> {self.levels[k]}"
        return (
            self.levels[k].replace("<= ", "> ")
            if k == 0
            else f"> {self.levels[k].rstrip(']').split(', ')[-1]}"
        )


@dataclass(frozen=True)
class Schema:
    """The m features, in column order, and the columns left out, each with its reason.

    Examples
    --------
    >>> schema = Schema((Feature("sex", Kind.BINARY, ("f", "m"), values=("f", "m")),))
    >>> schema.names, schema.sizes.tolist(), schema.planes, schema.offsets.tolist()
    (('sex',), [2], 2, [0, 2])
    """

    features: tuple[Feature, ...]
    skipped: tuple[tuple[str, str], ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(feature.name for feature in self.features)

    @cached_property
    def sizes(self) -> IntArray:
        """L of every feature, shape (m,)."""
        return np.array([feature.size for feature in self.features], dtype=np.int64)

    @cached_property
    def offsets(self) -> IntArray:
        """Plane of every feature's first level, and K at the end, shape (m + 1,)."""
        return np.concatenate([[0], np.cumsum(self.sizes)]).astype(np.int64)

    @property
    def planes(self) -> int:
        """K, the sum of L over the features."""
        return int(self.offsets[-1])

    def index(self, name: str) -> int:
        """Return the position of a feature.

        Raises
        ------
        UsageError : no such feature; says why if the column was skipped.
        """
        if name in self.names:
            return self.names.index(name)
        reason = dict(self.skipped).get(name)
        found = f"was left out: {reason}" if reason else "is not among the features"
        raise UsageError(f"{name!r} {found}; choose one of {', '.join(map(repr, self.names[:8]))}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON-able data; :meth:`from_dict` reads it back."""
        return {
            "features": [asdict(feature) for feature in self.features],
            "skipped": [list(s) for s in self.skipped],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """Read what :meth:`to_dict` wrote, also after a trip through JSON.

        Raises
        ------
        InputError : the data is not a schema.
        """
        try:
            features = tuple(_feature(item) for item in data["features"])
            skipped = tuple((str(name), str(reason)) for name, reason in data["skipped"])
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"not a schema ({type(error).__name__}: {error}); give what to_dict wrote"
            ) from error
        return cls(features, skipped)

    def digest(self) -> str:
        """Return a SHA-256 (hex) of the features; equal when and only when codes mean the same."""
        text = json.dumps(self.to_dict()["features"], sort_keys=True, ensure_ascii=False, allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()


def level_map(old: Schema, new: Schema) -> IntArray:
    """Return where every plane of ``old`` lies in ``new``, -1 for features that ``new`` dropped; shape
    (K_old,).

    ``new`` is ``old`` as :func:`credenza.data.extend_schema` returns it: kept levels have kept their codes,
    and "(other)" and "(missing)" are found where they now are.

    Raises
    ------
    UsageError : a feature's levels differ otherwise.

    Examples
    --------
    >>> a = Feature("a", Kind.BINARY, ("0", "1", "(missing)"), values=(0.0, 1.0), missing=2)
    >>> levels = ("0", "1", "(other)", "(missing)")
    >>> b = Feature("a", Kind.BINARY, levels, values=(0.0, 1.0), other=2, missing=3)
    >>> level_map(Schema((a,)), Schema((b,))).tolist()
    [0, 1, 3]
    """
    result = np.full(old.planes, -1, dtype=np.int64)
    for position, feature in enumerate(old.features):
        if feature.name not in new.names:
            continue
        target = new.index(feature.name)
        later = new.features[target]
        if (feature.edges, feature.values) != (later.edges, later.values):
            raise UsageError(
                f"levels of {feature.name!r} differ between the schemas; fit one schema for both"
            )
        codes = np.arange(feature.size)
        for mark in ("other", "missing"):
            before, after = getattr(feature, mark), getattr(later, mark)
            if before is not None and after is None:
                raise UsageError(
                    f"{feature.name!r} has lost its level ({mark}); extend the schema, do not shrink it"
                )
            if before is not None:
                codes[before] = after
        result[old.offsets[position] : old.offsets[position + 1]] = new.offsets[target] + codes
    return result


def _feature(item: Mapping[str, Any]) -> Feature:
    return Feature(
        name=str(item["name"]),
        kind=Kind(item["kind"]),
        levels=tuple(map(str, item["levels"])),
        ordered=int(item["ordered"]),
        edges=tuple(map(float, item["edges"])),
        values=tuple(v if isinstance(v, bool | str) else float(v) for v in item["values"]),
        other=None if item["other"] is None else int(item["other"]),
        missing=None if item["missing"] is None else int(item["missing"]),
    )
