"""Hashes of files, in parallel threads, and the list of what a folder holds."""

from __future__ import annotations

import errno
import fnmatch
import hashlib
import os
import stat
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from dataclasses import dataclass, field
from pathlib import Path

from credenza.data.progress import watcher
from credenza.errors import InputError

BLOCK = 1 << 20  # bytes that are read at once; hashing releases the interpreter for so long
_REDRAW = 0.2  # seconds between looks at the progress
_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


@dataclass(frozen=True)
class Hashed:
    """A file as it was read: its size in bytes, SHA-256 (hex), and time of modification in ns."""

    size: int
    sha256: str
    modified: int


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Attributes
    ----------
    files : path by name, names relative and with ``/``, sorted. links : names of links. others : of pipes, devices.
    """

    files: Mapping[str, Path]
    links: tuple[str, ...]
    others: tuple[str, ...]


def list_files(folder: Path, ignored: Sequence[str] = ()) -> Listing:
    """All files of a folder and of the folders in it, hidden ones included; links are listed and not followed.

    Parameters
    ----------
    ignored : relative paths; what they name is left out, and of a folder all that is in it.

    Raises
    ------
    InputError : a folder in it that may not be read.
    """
    files, links, others = {}, [], []
    waiting = [(folder, "")]
    while waiting:
        place, prefix = waiting.pop()
        try:
            entries = list(os.scandir(place))
        except OSError as error:
            raise InputError(
                f"cannot read the folder {place}: {_reason(error)}; check its permissions"
            ) from error
        for entry in entries:
            name = prefix + entry.name
            if name in ignored:
                continue
            if entry.is_symlink():
                links.append(name)
            elif entry.is_dir():
                waiting.append((Path(entry.path), name + "/"))
            elif entry.is_file():
                files[name] = Path(entry.path)
            else:
                others.append(name)
    return Listing({name: files[name] for name in sorted(files)}, tuple(sorted(links)), tuple(sorted(others)))


def hash_files(paths: Mapping[str, Path], *, threads: int | None = None) -> dict[str, Hashed]:
    """SHA-256 of files, each read once in blocks, several at a time.

    Parameters
    ----------
    paths : by name. threads : as many files at once; by default one for each processor, 8 at most.

    Returns
    -------
    dict
        By the same names, in the same order.

    Raises
    ------
    InputError : a file that is not there, is a link, may not be read, or changes while it is read.

    Notes
    -----
    Cost: that of SHA-256, one processor a file. Who watches (:mod:`credenza.data.progress`) sees bytes and rate.

    Examples
    --------
    >>> Path("a.txt").write_text("abc")
    3
    >>> hash_files({"a": Path("a.txt")})["a"].sha256[:8]
    'ba7816bf'
    """
    meter = _Meter()
    count = threads or min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(max(1, min(count, len(paths))), "credenza-hash") as pool:
        futures = {name: pool.submit(hash_file, path, meter=meter) for name, path in paths.items()}
        try:
            meter.follow(list(futures.values()))
            return {name: future.result() for name, future in futures.items()}
        finally:  # after an error or an interrupt, files that are being read are left, and others not begun
            meter.stopped = True
            pool.shutdown(cancel_futures=True)


def hash_file(path: Path, *, meter: _Meter | None = None) -> Hashed:
    """SHA-256 of one file; see :func:`hash_files`."""
    digest = hashlib.sha256()
    try:
        with open(os.open(path, os.O_RDONLY | _NOFOLLOW), "rb", buffering=0) as file:
            before = os.fstat(file.fileno())
            buffer = memoryview(bytearray(min(BLOCK, before.st_size + 1)))
            read = 0
            while count := file.readinto(buffer):
                digest.update(buffer[:count])
                read += count
                if meter is not None:
                    meter.add(count)
            after = os.fstat(file.fileno())
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise InputError(
                f"{path} is a link, which can lead anywhere; put the file itself there"
            ) from error
        raise InputError(f"cannot read {path}: {_reason(error)}; give files that can be read") from error
    if not stat.S_ISREG(before.st_mode):
        raise InputError(f"{path} is no file; give files")
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or read != after.st_size:
        raise _written(path, f"{before.st_size:,} bytes became {after.st_size:,}")
    return Hashed(after.st_size, digest.hexdigest(), after.st_mtime_ns)


def require_unchanged(paths: Mapping[str, Path], hashed: Mapping[str, Hashed]) -> None:
    """Refuse files whose size or time of modification is another one than when they were hashed.

    Raises
    ------
    InputError : something writes to them, or they are gone.
    """
    for name, known in hashed.items():
        try:
            now = os.lstat(paths[name])
        except OSError as error:
            raise _written(paths[name], "it is gone") from error
        if (now.st_size, now.st_mtime_ns) != (known.size, known.modified):
            raise _written(paths[name], f"{known.size:,} bytes became {now.st_size:,}")


def matching(names: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """The names that one of the glob patterns fits, ``*`` across folders too; all of them without patterns.

    Examples
    --------
    >>> matching(["a.csv", "b/c.csv", "d.txt"], ["*.csv"])
    ('a.csv', 'b/c.csv')
    """
    if not patterns:
        return tuple(names)
    return tuple(name for name in names if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns))


@dataclass
class _Meter:
    """Counts bytes over threads, and shows them where somebody watches."""

    done: int = 0
    began: float = field(default_factory=time.monotonic)
    stopped: bool = False

    def add(self, count: int) -> None:
        """So many bytes more; raises in the threads once the whole has failed."""
        self.done += count  # a lost update would only show too little for a moment
        if self.stopped:
            raise InputError("stopped hashing, since another file could not be read; see the error before")

    def follow(self, futures: list[Future[Hashed]]) -> None:
        """Show the progress until all are done or one has failed."""
        sink = watcher()
        if sink is None:
            wait_for(futures, return_when="FIRST_EXCEPTION")
            return
        try:
            while wait_for(futures, _REDRAW, return_when="FIRST_EXCEPTION").not_done:
                if any(f.done() and f.exception() for f in futures):
                    break
                finished = sum(f.done() for f in futures)
                sink.start(self.words(time.monotonic() - self.began, finished, len(futures)), None)
        finally:
            sink.done()

    def words(self, seconds: float, finished: int, files: int) -> str:
        """What is shown."""
        rate = self.done / seconds / 1e6 if seconds > 0 else 0.0
        return f"hashed {self.done / 1e9:.2f} GB, {finished:,} of {files:,} files, {rate:,.0f} MB/s"


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()


def _written(path: Path, what: str) -> InputError:
    return InputError(
        f"{path} is being written ({what} while it was read): wait until nothing writes to it, and try again"
    )
