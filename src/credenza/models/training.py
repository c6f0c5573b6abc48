"""The one training loop: steps, checkpoints that a killed run goes on from, and progress."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, SupportsFloat

import numpy as np
from numpy.typing import NDArray

from credenza.data.progress import watcher
from credenza.data.write import write_bytes
from credenza.errors import InputError, UsageError
from credenza.models.store import packed, unpacked

State = dict[str, NDArray[Any] | int | float | str]
SCHEMA = "credenza.checkpoint/1"
CHECKPOINT = "checkpoint.safetensors"
LOOK = 10  # steps between two looks at the loss, each of which waits for the GPU
REDRAW = 0.5  # seconds between two lines of progress
MEMORY = 0.9  # share of the loss shown that is older than the last look


class Job(Protocol):
    """What is trained.

    All randomness of a step comes from a seed and the step's number (see
    :func:`credenza.models.device.random_stream`), or is in the state.
    """

    def step(self, index: int) -> SupportsFloat:
        """Do step ``index``, counted from 0, and return its loss: a number, or a tensor of one that is read later."""
        ...

    def state(self) -> State:
        """All that the steps so far have changed: weights, averages, the optimiser's memory."""
        ...

    def restore(self, state: State) -> None:
        """Become what :meth:`state` said."""
        ...


def train(
    job: Job,
    *,
    steps: int,
    folder: str | os.PathLike[str] | None = None,
    every: int = 500,
    label: str = "training",
    key: str = "",
) -> None:
    """Run ``steps`` steps of a job, from its last checkpoint where there is one.

    Parameters
    ----------
    job : what is trained. steps : >= 0, in all.
    folder : holds ``checkpoint.safetensors``, replaced every ``every`` (>= 1) steps and after the last; made if need
        be. None keeps none.
    label : what the training is called where its progress is shown.
    key : everything that decides the outcome, such as :func:`credenza.models.digest.digest_of` of settings, seed and
        data. A checkpoint is taken up only by the key that it was made with; more steps than it was made for are fine.

    Raises
    ------
    UsageError : a number out of range; the folder's parent does not exist; no room; the loss is not finite.
    InputError : the checkpoint is damaged, has another key, or is further than ``steps``.

    Examples
    --------
    >>> import tempfile
    >>> class Halving:
    ...     value = 1.0
    ...     def step(self, index):
    ...         self.value /= 2
    ...         return self.value
    ...     def state(self): return {"value": self.value}
    ...     def restore(self, state): self.value = state["value"]
    >>> with tempfile.TemporaryDirectory() as name:
    ...     train(Halving(), steps=2, folder=name)
    ...     again = Halving()
    ...     train(again, steps=3, folder=name)
    >>> again.value
    0.125
    """
    _require_whole("steps", steps, 0)
    _require_whole("every", every, 1)
    place = None if folder is None else _made(Path(folder).expanduser())
    begin = 0 if place is None else _resume(job, place, key, steps)
    with Shown(label, begin, steps) as shown:
        for index in range(begin, steps):
            loss = job.step(index)
            done = index + 1
            saving = place is not None and (done % every == 0 or done == steps)
            if saving or done % LOOK == 0 or done == steps or index == begin:
                shown.look(done, _finite(loss, label, done))
            if saving and place is not None:
                write_checkpoint(place, key, done, job.state())


def write_checkpoint(path: Path, key: str, step: int, state: State) -> None:
    """Write the state after ``step`` steps to ``path``, whole or not at all: arrays, and the rest in the header."""
    plain = {name: value for name, value in state.items() if not isinstance(value, np.ndarray)}
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    header = {"schema": SCHEMA, "key": key, "step": step, "plain": plain}
    write_bytes(packed(arrays, {"checkpoint": json.dumps(header)}), path)


def read_checkpoint(path: Path) -> tuple[str, int, State]:
    """Key, number of steps and state of a checkpoint.

    Raises
    ------
    InputError : the file is damaged, or no checkpoint of this version.
    """
    arrays, metadata = unpacked(path)
    header: Mapping[str, Any] = json.loads(metadata.get("checkpoint", "{}"))
    if header.get("schema") != SCHEMA:
        raise InputError(f"{path} has the schema {header.get('schema')!r}; a checkpoint has {SCHEMA!r}")
    return header["key"], header["step"], {**header["plain"], **arrays}


class Shown:
    """Shows a training where progress is drawn: its step, loss and time left; a context manager.

    Parameters
    ----------
    label : what is trained. begin, steps : the steps done before, and in all.
    """

    def __init__(self, label: str, begin: int, steps: int) -> None:
        self._label, self._begin, self._steps = label, begin, steps
        self._sink = watcher()
        self._since = time.monotonic()
        self._drawn = -math.inf
        self._loss = math.nan

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._sink is not None and self._drawn > 0:
            self._sink.done()

    def look(self, done: int, loss: float) -> None:
        """So many steps are done, and this was the loss of the last."""
        self._loss = loss if math.isnan(self._loss) else MEMORY * self._loss + (1 - MEMORY) * loss
        now = time.monotonic()
        if self._sink is None or now - self._drawn < REDRAW:
            return
        self._drawn = now
        self._sink.start(self.words(done, now - self._since), None)

    def words(self, done: int, seconds: float) -> str:
        """What is shown after ``done`` steps, ``seconds`` after the first of this run."""
        words = f"{self._label}, step {done:,} of {self._steps:,}, loss {self._loss:.4g}"
        if done <= self._begin:
            return words
        minutes, rest = divmod(round((self._steps - done) * seconds / (done - self._begin)), 60)
        return f"{words}, {minutes}:{rest:02} left"


def _resume(job: Job, path: Path, key: str, steps: int) -> int:
    """Restore the job from a checkpoint, if there is one; the steps done."""
    if not path.exists():
        return 0
    found, step, state = read_checkpoint(path)
    if found != key:
        raise InputError(
            f"{path} was made from other data or settings, or with another seed; give another folder, or delete it"
        )
    if step > steps:
        raise InputError(f"{path} is at step {step}; found {steps} steps asked for: ask for {step} or more")
    job.restore(state)
    return step


def _made(folder: Path) -> Path:
    if not folder.parent.is_dir():
        raise UsageError(f"cannot keep checkpoints in {folder}: no folder {folder.parent}; create it first")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"cannot keep checkpoints in {folder}: it is a file; give a folder")
    folder.mkdir(exist_ok=True)
    return folder / CHECKPOINT


def _finite(loss: SupportsFloat, label: str, step: int) -> float:
    value = float(loss)
    if not math.isfinite(value):
        raise UsageError(f"{label}: the loss is {value} after step {step}; use a lower learning rate")
    return value


def _require_whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < least:
        raise UsageError(f"{name} is a whole number, {least} or more; found {value!r}")
