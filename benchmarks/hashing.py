"""How fast files are hashed, as a share of the hash's own speed in the same run.

Run: python benchmarks/hashing.py [--small] [--folder DIR]

One large file that the system has in memory, and eight files with as many bytes; the hash by itself runs over
one block in memory, again and again, in as many threads. The runs alternate, and the least of each counts: of the time
on the clock, which other programs on the machine stretch, and of the time that processors worked.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from measure import columns, heading, row, settings

from credenza.provenance.hashing import BLOCK, hash_files

FILES = 8


def written(folder: Path, size: int) -> tuple[dict[str, Path], dict[str, Path]]:
    """One file of this size, and eight that have it together."""
    block = os.urandom(BLOCK)
    one = {"one": folder / "one"}
    many = {str(number): folder / str(number) for number in range(FILES)}
    for paths in (one, many):
        for path in paths.values():
            with path.open("wb") as file:
                for _ in range(size // BLOCK // len(paths)):
                    file.write(block)
    return one, many


def hashed_alone(size: int) -> None:
    """SHA-256 of so many bytes, from memory."""
    block, digest = bytearray(BLOCK), hashlib.sha256()
    for _ in range(size // BLOCK):
        digest.update(block)


def hashed_together(size: int, threads: int) -> None:
    """SHA-256 of so many bytes, from memory, in threads."""
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(hashed_alone, [size // threads] * threads))


def main() -> None:
    """Print a table."""
    parser = settings(__doc__)
    parser.add_argument("--folder", help="where the files are written; the temporary folder by default")
    args = parser.parse_args()
    size, runs = (256 << 20, 3) if args.small else (1 << 30, 7)
    threads = min(os.cpu_count() or 1, FILES)
    heading("Hashing", seeds="none")
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        one, many = written(Path(name), size)
        cases: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
            "one file": (lambda: hash_files(one), lambda: hashed_alone(size)),
            f"eight files, {threads} threads": (
                lambda: hash_files(many, threads=threads),
                lambda: hashed_together(size, threads),
            ),
        }
        columns("what", "GB", "files: GB/s", "hash alone: GB/s", "share", "share by processor time")
        for label, (files, alone) in cases.items():
            clock: tuple[list[float], list[float]] = ([], [])
            worked: tuple[list[float], list[float]] = ([], [])
            for _ in range(runs):
                for side, work in enumerate((files, alone)):
                    started, busy = time.perf_counter(), time.process_time()
                    work()
                    worked[side].append(time.process_time() - busy)
                    clock[side].append(time.perf_counter() - started)
            speeds = [size / 1e9 / min(taken) for taken in clock]
            shares = speeds[0] / speeds[1], min(worked[1]) / min(worked[0])
            row(label, size / 1e9, *speeds, *(f"{share:.0%}" for share in shares))


if __name__ == "__main__":
    main()
