"""A table larger than memory should be: a folder of N x 40 boolean rows against a profile. Run: make bench-speed.

The folder is written by random words, read bare (pyarrow's ParquetFile.iter_batches over all columns, and credenza's
own reader with nothing done), and audited by the command line, each in a process of its own whose wall time and peak
resident memory are taken. A second folder has one linked pair, so that the ladder and the row scores run as well.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from measure import Child, child, columns, gibibytes, heading, program, row, settings, times
from packed import STRENGTH, write, write_folder

FEATURES, REFERENCE = 40, 1_000_000
SCAN = """
import sys
from pathlib import Path
from pyarrow.parquet import ParquetFile
rows = 0
for path in sorted(Path(sys.argv[1]).iterdir()):
    with ParquetFile(path) as file:
        for batch in file.iter_batches():
            rows += batch.num_rows
assert rows == int(sys.argv[2]), rows
"""
READER = """
import sys
from credenza.data import open_source
assert sum(batch.num_rows for batch in open_source(sys.argv[1]).batches()) == int(sys.argv[2])
"""


def best(command: list[str], runs: int, allowed: tuple[int, ...] = (0,)) -> Child:
    """The fastest of a few runs, with the largest peak."""
    found = [child(command, allowed=allowed) for _ in range(runs)]
    fastest = min(found, key=lambda done: done.seconds)
    return Child(
        fastest.seconds, fastest.cpu, max(done.peak for done in found), fastest.status, fastest.output
    )


def main() -> None:
    parser = settings(__doc__)
    parser.add_argument("--rows", type=int, help="rows of each folder (100,000,000; small: 3,000,000)")
    parser.add_argument(
        "--folder", help="where to put the data meanwhile (default: the system's temporary folder)"
    )
    parser.add_argument("--clean-only", action="store_true", help="leave the folder with a linked pair out")
    args = parser.parse_args()
    rows = args.rows or (3_000_000 if args.small else 100_000_000)
    heading("Out of core", "duckdb", seeds="1 (suspect), 2 (reference), 3 (linked suspect)")
    print(
        f"{rows:,} rows x {FEATURES} boolean columns, Parquet; reference: a profile of {REFERENCE:,} rows.\n"
    )
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        measure(Path(folder), rows, linked_too=not args.clean_only)


def measure(place: Path, rows: int, *, linked_too: bool) -> None:
    """Print the table."""
    files = max(2, min(16, rows // 2_000_000))
    reference = place / "reference.czp"
    child(program("profile", write(place / "r.parquet", REFERENCE, FEATURES, seed=2), "--out", reference))
    data = write_folder(place / "clean", rows, FEATURES, seed=1, files=files)
    columns(
        "what", "seconds", "v bare scan", "million rows/s", "processor seconds", "peak memory", "exit status"
    )

    def line(name: str, done: Child) -> None:
        rate = rows / done.seconds / 1e6
        row(name, done.seconds, times(done.seconds / bare), rate, done.cpu, gibibytes(done.peak), done.status)

    scan = best([sys.executable, "-c", SCAN, str(data), str(rows)], 2)
    bare = scan.seconds
    line("bare scan, pyarrow iter_batches", scan)
    line("bare scan, credenza's reader", best([sys.executable, "-c", READER, str(data), str(rows)], 2))
    audit = ("--reference", reference, "--quiet")
    json = ("--json", place / "a.json")
    line("audit, clean", best(program("audit", data, *audit, *json), 2, (0, 1)))
    if linked_too:
        linked = write_folder(place / "linked", rows, FEATURES, seed=3, files=files, linked=True)
        found = best(program("audit", linked, *audit, *json), 1, (0, 1))
        line(f"audit, one pair linked ({STRENGTH:.3f})", found)
        found = best(program("audit", linked, *audit, "--rows", place / "rows.parquet"), 1, (0, 1))
        line("the same, with --rows", found)


if __name__ == "__main__":
    main()
