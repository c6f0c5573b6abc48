"""A generator of tables for every value of one column: what depends on the class is learnt within it."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from credenza.contracts import IntArray
from credenza.data.columns import Family, family, plain
from credenza.errors import InputError, UsageError
from credenza.models.base import Generator, Tensors, require_seed
from credenza.models.tabular.base import Folder, TableGenerator
from credenza.models.tabular.public import PublicLevels

__all__ = ["ByClass"]

_KINDS = {"chow-liu": "ChowLiu", "copula": "GaussianCopula", "tabddpm": "TabularDiffusion"}
_SHOWN = 3  # values that a note names


class ByClass(Generator[pa.Table]):
    """One generator for each value of a column: P(x) = sum_c P(c) P_c(x), every P_c of the kind that is given.

    With trees it is a Bayesian multinet (Friedman, Geiger & Goldszmidt 1997, Machine Learning 29:131): each class has a
    tree of its own, so that every column may depend on the class and on one other, and on different ones in different
    classes. All pairs with the column come out as they are in the data, which one tree keeps for its neighbours only;
    so do interactions of three with it, as far as the generator keeps pairs within a class. A classifier of the column
    that is trained on such rows learns more.

    Parameters
    ----------
    generator : an unfitted one, of which every part gets a copy with the same settings.
    column : whose values make the parts; best the label that a model is to learn.
    min_rows : 2 or more. Values of fewer rows, missing ones included, share one part, joined by the next rarer
        values until it has as many; inside it the column is generated as any other is.

    Raises
    ------
    UsageError : a generator with differential privacy, or something else than a generator of tables; ``min_rows`` out
        of range.

    Notes
    -----
    Cost: that of the generator on the parts, which have n rows together, and K fits for K parts. How many rows each
    part has in a sample is drawn, as often as in the data; rows come in random order. ``fit`` passes its seed on.

    What it does not do: keep pairs of the other columns better than the generator does; within a class it has fewer
    rows to learn from. Left out: privacy, for which the number of rows of every class must be noisy before it decides
    what is pooled, and levels must be public.

    Examples
    --------
    >>> from credenza.models.tabular import ChowLiu
    >>> a, b = np.random.default_rng(0).random((2, 2_000)) < 0.5
    >>> model = ByClass(ChowLiu(), "differ").fit(pa.table({"a": a, "b": b, "differ": a != b}), seed=0)
    >>> rows = model.sample(500, seed=1).to_pylist()
    >>> sum((row["a"] != row["b"]) == row["differ"] for row in rows) > 490
    True
    """

    kind: ClassVar[str] = "by-class"

    def __init__(self, generator: TableGenerator, column: str, *, min_rows: int = 50) -> None:
        if isinstance(generator, PublicLevels):
            raise UsageError(
                "a private generator is not fitted by class; leave out the epsilon, or the column"
            )
        if not isinstance(generator, TableGenerator):
            raise UsageError(
                f"a generator of tables is needed for each class; found a {type(generator).__name__}"
            )
        if isinstance(min_rows, bool) or not isinstance(min_rows, int | np.integer) or min_rows < 2:
            raise UsageError(f"min_rows is a whole number, 2 or more; found {min_rows!r}")
        self.generator, self.column, self.min_rows = generator, column, int(min_rows)
        self.pooled: tuple[str, ...] = ()
        self._parts: list[TableGenerator] = []
        self._rows: IntArray = np.empty(0, np.int64)

    @property
    def fitted(self) -> bool:
        """Whether there is a fitted generator for each part."""
        return bool(self._parts)

    @property
    def parts(self) -> int:
        """How many generators were fitted."""
        return len(self._parts)

    @property
    def note(self) -> str:
        """Which values share a part, in words; empty where none do."""
        if not self.pooled:
            return ""
        shown = ", ".join(map(repr, self.pooled[:_SHOWN])) + (", ..." if len(self.pooled) > _SHOWN else "")
        return (
            f"{len(self.pooled):,} values of {self.column!r} share one generator, the rare ones having fewer than "
            f"{self.min_rows} rows: {shown}"
        )

    def fit(self, data: pa.Table, *, seed: int, folder: Folder = None) -> Self:
        """Learn each part; see :meth:`credenza.models.tabular.base.TableGenerator.fit`.

        Parameters
        ----------
        folder : for checkpoints, one folder in it for each part.

        Raises
        ------
        InputError : no such column, or one of nested values or bytes; fewer than two parts; a part that the generator
            cannot be fitted to. UsageError : as the generator.
        """
        require_seed(seed)
        places, values = classes_of(data, self.column)
        groups = pooled_levels(np.bincount(places, minlength=len(values)), self.min_rows)
        if len(groups) < 2:
            raise InputError(
                f"column {self.column!r} does not have two values of {self.min_rows} rows or more each; "
                "give a column of classes, or fit to all rows at once"
            )
        parts = []
        for number, group in enumerate(groups):
            rows = data.filter(pa.array(np.isin(places, group)))
            own = None if folder is None else Path(folder) / f"part{number}"
            try:
                parts.append(self._copy().fit(rows, seed=seed, folder=own))
            except InputError as error:
                told = ", ".join(repr(values[place]) for place in group[:_SHOWN])
                raise InputError(f"where {self.column!r} is {told}: {error}") from error
        self._parts = parts
        self._rows = np.array([np.isin(places, group).sum() for group in groups], np.int64)
        self.pooled = tuple(values[place] for group in groups if len(group) > 1 for place in group)
        return self

    def sample(self, n: int, *, seed: int) -> pa.Table:
        """Make n >= 1 rows with the schema of the fitted table; raises as :meth:`Generator.sample`."""
        self._ready(n, seed)
        rng = np.random.default_rng([seed, 1])
        counts = rng.multinomial(n, self._rows / self._rows.sum())
        seeds = np.random.SeedSequence([seed, 2]).generate_state(len(counts))
        drawn = [
            part.sample(int(count), seed=int(own))
            for part, count, own in zip(self._parts, counts, seeds, strict=True)
            if count
        ]
        whole = pa.concat_tables(drawn).unify_dictionaries()
        return whole.take(pa.array(rng.permutation(n))).combine_chunks()

    def _copy(self) -> TableGenerator:
        return type(self.generator)(**self.generator._settings())

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        tensors: Tensors = {"rows": self._rows}
        parts = []
        for number, part in enumerate(self._parts):
            settings, arrays = part._contents()
            parts.append(settings)
            tensors |= {f"part{number}.{name}": array for name, array in arrays.items()}
        own = {"column": self.column, "min_rows": self.min_rows, "pooled": list(self.pooled)}
        return {"generator": self.generator.kind, **own, "parts": parts}, tensors

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        kind = settings["generator"]
        if kind not in _KINDS:
            raise InputError(
                f"the parts are of kind {kind!r}; known are {', '.join(_KINDS)}: update credenza"
            )
        maker = getattr(import_module("credenza.models.tabular"), _KINDS[kind])
        parts = []
        for number, own in enumerate(settings["parts"]):
            head = f"part{number}."
            arrays = {n.removeprefix(head): array for n, array in tensors.items() if n.startswith(head)}
            parts.append(maker._of_contents(own, arrays))
        plain_settings = parts[0]._settings()
        model = cls(maker(**plain_settings), settings["column"], min_rows=settings["min_rows"])
        model._parts, model._rows = parts, tensors["rows"]
        model.pooled = tuple(settings["pooled"])
        return model


def classes_of(data: pa.Table, column: str) -> tuple[IntArray, list[str]]:
    """For each row (n,) which value of a column it has, and the values as texts; "(missing)" is one.

    Raises
    ------
    InputError : no such column, or one whose values are nested or bytes.

    Examples
    --------
    >>> places, values = classes_of(pa.table({"kind": ["b", "a", None, "b"]}), "kind")
    >>> [values[place] for place in places]
    ['b', 'a', '(missing)', 'b']
    """
    if column not in data.column_names:
        known = ", ".join(data.column_names)
        raise InputError(f"there is no column {column!r} to fit by; the columns are {known}")
    values = plain(data[column])
    if family(values.type) in (Family.NESTED, Family.BINARY):
        raise InputError(f"column {column!r} is {values.type}, which has no classes; name another to fit by")
    coded = pc.dictionary_encode(values, null_encoding="encode")
    names = ["(missing)" if value is None else str(value) for value in coded.dictionary.to_pylist()]
    return coded.indices.to_numpy(zero_copy_only=False).astype(np.int64), names


def pooled_levels(counts: IntArray, least: int) -> list[IntArray]:
    """Groups of levels with ``least`` rows each: frequent ones alone, the rare ones together.

    The pool takes the rarest of the frequent ones in as long as it has fewer rows than that.

    Examples
    --------
    >>> [group.tolist() for group in pooled_levels(np.array([60, 3, 200, 4, 90]), 50)]
    [[1, 3, 0], [4], [2]]
    """
    order = np.argsort(counts, kind="stable")
    ordered = counts[order]
    pool = int(np.searchsorted(ordered, least))
    while 0 < pool < len(order) and ordered[:pool].sum() < least:
        pool += 1
    first = [order[:pool]] if pool else []
    return [*first, *(order[place : place + 1] for place in range(pool, len(order)))]
