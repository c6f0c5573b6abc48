"""What it costs to start: the import, the help, a small audit from the shell, the first use. Run: make bench-speed."""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from measure import cell, child, columns, heading, program, row, settings
from packed import write

ROWS, FEATURES = 10_000, 40
LINE = re.compile(r"import time:\s*(\d+) \|\s*\d+ \|\s*([\w.]+)")


def median(command: Sequence[str], runs: int, environment: dict[str, str] | None = None) -> float:
    """Median wall seconds of a command."""
    return statistics.median(
        child(command, allowed=(0, 1), environment=environment).seconds for _ in range(runs)
    )


def first_use(command: Sequence[str], runs: int) -> float:
    """Median wall seconds when nothing was compiled before."""
    found = []
    for _ in range(runs):
        with tempfile.TemporaryDirectory() as folder:
            found.append(child(command, allowed=(0, 1), environment={"NUMBA_CACHE_DIR": folder}).seconds)
    return statistics.median(found)


def shares(arguments: Sequence[str]) -> list[tuple[str, float]]:
    """Seconds spent in the module bodies of each library by ``python -X importtime``, most first."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
    )
    total: Counter[str] = Counter()
    for micros, name in LINE.findall(done.stderr):
        library = name.split(".")[0].lstrip("_")
        total["standard library" if library in sys.stdlib_module_names else library] += int(micros)
    return [(name, micros / 1e6) for name, micros in total.most_common()]


def main() -> None:
    args = settings(__doc__).parse_args()
    runs, cold = (3, 1) if args.small else (10, 5)
    heading("Start", "typer", "rich", "duckdb", "scipy", seeds="1 and 2")
    print(f"Medians of {runs} runs, of {cold} for the first use; {ROWS:,} rows x {FEATURES} columns.\n")
    python = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        suspect, reference = (
            write(Path(folder, f"{seed}.parquet"), ROWS, FEATURES, seed=seed) for seed in (1, 2)
        )
        audit = program("audit", suspect, "--reference", reference, "--quiet")
        child(audit, allowed=(0, 1))
        columns("what", "seconds", "target")
        row("python -c pass", median([python, "-c", "pass"], runs), "")
        row("import credenza", median([python, "-c", "import credenza"], runs), "< 0.3")
        row("credenza --help", median(program("--help"), runs), "< 0.5")
        warm = median(audit, runs)
        row("credenza audit, warm", warm, "< 2")
        row("credenza audit, first use: more than warm", first_use(audit, cold) - warm, "<= 5")
        print("\nWhere imports spend their time (python -X importtime; seconds):\n")
        columns("command", "all", "by library")
        for title, arguments in (
            ("import credenza", ["-c", "import credenza"]),
            ("credenza --help", ["-m", "credenza", "--help"]),
            ("credenza audit", ["-m", *map(str, ("credenza", *audit[1:]))]),
        ):
            found = shares(arguments)
            listed = ", ".join(f"{name} {cell(seconds)}" for name, seconds in found[:8])
            row(title, sum(seconds for _, seconds in found), listed)


if __name__ == "__main__":
    main()
