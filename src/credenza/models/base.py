"""What every generator offers: fit, sample, save, load."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from credenza.errors import UsageError
from credenza.models.store import read_model, write_model

Images = NDArray[np.uint8]
Tensors = dict[str, NDArray[Any]]
D = TypeVar("D")


class Generator(ABC, Generic[D]):
    """A model of data that makes more of the same kind; made with its settings, fitted once.

    ``D`` is what it is fitted to and what it makes: images as a uint8 array of shape (n, H, W, 3) (or (n, H, W, 1) for
    grey), tables as :class:`pyarrow.Table`, texts as a list of strings.

    A generator says its ``kind``, whether it is ``fitted``, and how it becomes settings and arrays
    (:meth:`_contents`) and is made of them again (:meth:`_of_contents`); :meth:`save` and :meth:`load` follow.

    Attributes
    ----------
    kind : what a saved model is called in its file, such as "ddpm".

    Examples
    --------
    >>> class Mean(Generator[list[str]]):
    ...     kind = "mean"
    ...     length = None
    ...     @property
    ...     def fitted(self): return self.length is not None
    ...     def fit(self, data, *, seed, folder=None):
    ...         self.length = round(sum(map(len, data)) / len(data))
    ...         return self
    ...     def sample(self, n, *, seed):
    ...         self._ready(n, seed)
    ...         return ["x" * self.length] * n
    ...     def _contents(self): return {"length": self.length}, {}
    ...     @classmethod
    ...     def _of_contents(cls, settings, tensors):
    ...         model = cls()
    ...         model.length = settings["length"]
    ...         return model
    >>> Mean().fit(["ab", "abcd"], seed=0).sample(2, seed=1)
    ['xxx', 'xxx']
    """

    kind: ClassVar[str]

    @property
    @abstractmethod
    def fitted(self) -> bool:
        """Whether there is something to sample from and to save."""

    @abstractmethod
    def fit(self, data: D, *, seed: int, folder: str | os.PathLike[str] | None = None) -> Self:
        """Learn from data.

        Parameters
        ----------
        data : what to learn from. seed : decides every random draw of the fit.
        folder : where checkpoints are kept; made if need be. A fit that was interrupted goes on from the last one and
            ends bit for bit where it would have ended (on one kind of machine, with as many threads).

        Raises
        ------
        InputError : data that cannot be learnt from, or a checkpoint of other data, settings or another seed.
        """

    @abstractmethod
    def sample(self, n: int, *, seed: int) -> D:
        """Make ``n`` (>= 1) new rows, images or texts; ``seed`` decides which.

        Raises
        ------
        UsageError : before :meth:`fit`; n below 1; a seed that is no non-negative integer.
        """

    @abstractmethod
    def _contents(self) -> tuple[dict[str, Any], Tensors]:
        """Settings (JSON-able) and arrays that :meth:`_of_contents` makes the same model of."""

    @classmethod
    @abstractmethod
    def _of_contents(cls, settings: Mapping[str, Any], tensors: Tensors) -> Self:
        """The model that ``settings`` and ``tensors`` came from."""

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the model to ``folder``; see :func:`credenza.models.store.write_model` for what is written and raised.

        Raises
        ------
        UsageError : before :meth:`fit`; the folder holds something else than a model.
        """
        if not self.fitted:
            raise UsageError(f"this {self.kind} model cannot be saved before it is fitted; call fit first")
        settings, tensors = self._contents()
        write_model(folder, self.kind, settings, tensors)

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> Self:
        """Read a model that :meth:`save` wrote; see :func:`credenza.models.store.read_model` for the errors raised."""
        return cls._of_contents(*read_model(folder, cls.kind))

    def _ready(self, n: int, seed: int) -> None:
        """Raise UsageError unless the model is fitted and ``n`` and ``seed`` are such that :meth:`sample` can run."""
        if not self.fitted:
            raise UsageError(f"this {self.kind} model cannot sample before it is fitted; call fit first")
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise UsageError(f"the number to sample is a whole number, 1 or more; found {n!r}")
        require_seed(seed)


def require_seed(seed: object) -> None:
    """Raise UsageError unless ``seed`` is a non-negative integer.

    >>> require_seed(0)
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise UsageError(f"the seed is a non-negative integer; found {seed!r}")
