"""Where the bit planes of a wide table are kept: in memory while they are few, else in a temporary file."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from credenza.contracts import IntArray
from credenza.errors import InputError, UsageError

Planes = NDArray[np.uint64]
Chosen = slice | IntArray


class Chunks:
    """Chunks of bit planes, each (R, words) with all R planes of some rows, read back a few planes at a time.

    Parameters
    ----------
    planes : R.
    expected : bytes to come; more than ``memory`` go to the file from the start.
    memory : bytes that may stay in memory; the chunk that would exceed it moves all to the file.
    folder : of the file; None for the system's.

    Raises
    ------
    InputError : the folder has not the space that is expected, cannot be written, or fills up.

    Notes
    -----
    Plain reads and writes, no memory map: what a full disk refuses is an error and not a signal, and what is read does
    not count as memory twice.
    """

    def __init__(self, planes: int, *, expected: int, memory: int, folder: str | Path | None) -> None:
        self.planes, self.memory = planes, memory
        self.folder = Path(tempfile.gettempdir() if folder is None else folder)
        self._words: list[int] = []
        self._parts: list[Planes] = []
        self._file: IO[bytes] | None = None
        self._closed = False
        if expected > memory:
            self._open_file(expected)

    @property
    def on_disk(self) -> bool:
        """Whether the chunks are in a file."""
        return self._file is not None

    @property
    def words(self) -> int:
        """Words of each plane in all chunks."""
        return sum(self._words)

    def append(self, chunk: Planes) -> None:
        """Keep a chunk (R, words), C order; it is not copied and must not be written to afterwards."""
        if self._file is None and 8 * self.planes * (self.words + chunk.shape[1]) > self.memory:
            self._open_file(0)
            for part in self._parts:
                self._write(part)
            self._parts = []
        self._words.append(chunk.shape[1])
        if self._file is None:
            self._parts.append(chunk)
        else:
            self._write(chunk)

    def read(self, chosen: Chosen) -> Iterator[Planes]:
        """The chosen planes of one chunk after another, each C-contiguous."""
        if self._closed:
            raise UsageError("the bit planes of this table were given up: read the table again")
        for number in range(len(self._words)):
            if self._file is None:
                yield np.ascontiguousarray(self._parts[number][chosen])
            else:
                yield self._from_file(number, chosen)

    def close(self) -> None:
        """Give back memory and disk."""
        self._closed = True
        self._parts = []
        if self._file is not None:
            self._file.close()

    def _open_file(self, expected: int) -> None:
        try:
            free = shutil.disk_usage(self.folder).free
            if expected > free:
                raise InputError(
                    f"the bit planes of this table need {expected / 1e9:,.1f} GB on disk, {self.folder} has "
                    f"{free / 1e9:,.1f} GB left: audit fewer columns, or set TMPDIR to a folder with more space"
                )
            self._file = tempfile.TemporaryFile(dir=self.folder, buffering=0)  # noqa: SIM115
        except OSError as error:
            raise self._refused(error) from error
        weakref.finalize(self, self._file.close)

    def _write(self, chunk: Planes) -> None:
        """Append to the file; a raw file may take a part at a time."""
        assert self._file is not None
        left = chunk.reshape(-1).data.cast("B")
        try:
            while len(left):
                left = left[self._file.write(left) :]
        except OSError as error:
            self.close()
            raise self._refused(error) from error

    def _from_file(self, number: int, chosen: Chosen) -> Planes:
        """Read the chosen planes of one chunk, a run of neighbours at a time."""
        words = self._words[number]
        start = 8 * self.planes * sum(self._words[:number])
        index = np.arange(self.planes)[chosen]
        out = np.empty((len(index), words), np.uint64)
        cuts = np.flatnonzero(np.diff(index) != 1) + 1
        for run in np.split(np.arange(len(index)), cuts):
            if run.size:
                self._fill(out[run[0] : run[-1] + 1], start + 8 * words * int(index[run[0]]))
        return out

    def _fill(self, out: Planes, offset: int) -> None:
        """Read from the file until ``out`` is full."""
        assert self._file is not None
        self._file.seek(offset)
        left = out.reshape(-1).data.cast("B")
        while len(left):
            left = left[self._file.readinto(left) :]  # type: ignore[attr-defined]

    def _refused(self, error: OSError) -> InputError:
        return InputError(
            f"the bit planes of this table cannot be kept in {self.folder} ({error.strerror}): "
            "set TMPDIR to a folder with more space, or audit fewer columns"
        )
