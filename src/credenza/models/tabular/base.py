"""What the generators of tables have in common: levels are fitted, then learnt from; codes are drawn, then values."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pyarrow as pa

from credenza.models.base import Generator, Tensors, require_seed
from credenza.models.tabular.codec import TableCodec

Folder = str | os.PathLike[str] | None


class TableGenerator(Generator[pa.Table]):
    """A generator of tables: says what it learns from a table with levels, and how it draws rows.

    Parameters
    ----------
    bins : of a numeric column, 2 to 60. min_share : strings that are rarer are pooled, in [0, 0.5].
    """

    def __init__(self, bins: int, min_share: float) -> None:
        self.bins, self.min_share = bins, min_share
        self._codec: TableCodec | None = None

    @property
    def fitted(self) -> bool:
        return self._codec is not None

    def fit(self, data: pa.Table, *, seed: int, folder: Folder = None) -> Self:
        """Learn from a table.

        Parameters
        ----------
        data : n >= 2 rows of bool, number, time and string columns, in any encoding, nulls included.
        seed : of all that is random in a fit; nothing is, where the class says so.
        folder : for checkpoints, of which only fits that take long make any.

        Raises
        ------
        InputError : a table that no generator can be fitted to, see :meth:`TableCodec.fit`; a checkpoint of another
            fit.
        UsageError : a setting or ``seed`` out of range; no GPU where one was asked for.
        """
        require_seed(seed)
        self._check()
        codec = self._levels(data)
        self._learn(codec, data, int(seed), folder)
        self._codec = codec
        return self

    def sample(self, n: int, *, seed: int) -> pa.Table:
        """Make n >= 1 rows with the schema of the fitted table.

        Raises
        ------
        UsageError : before :meth:`fit`; n below 1; a seed that is no non-negative integer.
        """
        self._ready(n, seed)
        assert self._codec is not None
        return self._drawn(self._codec, int(n), np.random.default_rng(seed))

    def _check(self) -> None:
        """Refuse, before anything is read, what cannot be done here."""

    def _levels(self, data: pa.Table) -> TableCodec:
        """The levels that rows are told by."""
        return TableCodec.fit(data, bins=self.bins, min_share=self.min_share)

    @abstractmethod
    def _learn(self, codec: TableCodec, data: pa.Table, seed: int, folder: Folder) -> None:
        """Learn how the levels of ``data`` go together."""

    @abstractmethod
    def _drawn(self, codec: TableCodec, n: int, rng: np.random.Generator) -> pa.Table:
        """``n`` new rows."""

    @abstractmethod
    def _settings(self) -> dict[str, Any]:
        """Arguments that the class is made with again."""

    @abstractmethod
    def _arrays(self) -> Tensors:
        """What was learnt."""

    @abstractmethod
    def _restore(self, codec: TableCodec, arrays: Tensors) -> None:
        """Take what :meth:`_arrays` gave."""

    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        assert self._codec is not None
        settings, tensors = self._codec.state()
        return {**self._settings(), "table": settings}, {**tensors, **self._arrays()}

    @classmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        settings = dict(settings)
        codec = TableCodec.restored(settings.pop("table", {}), tensors)
        model = cls(**settings)
        model._restore(codec, tensors)
        model._codec = codec
        return model
