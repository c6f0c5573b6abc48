"""What the speed benchmarks share: least times, subprocesses with their peak memory, power laws, Markdown tables."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

# Runs a command as the child of a small process: a child of a large one is charged the parent's memory by Linux.
LAUNCHER = """
import json, os, subprocess, sys, time
started = time.perf_counter()
child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=2)
_, status, used = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
seconds = time.perf_counter() - started
unit = 1 if sys.platform == "darwin" else 1024
cpu = used.ru_utime + used.ru_stime
print(json.dumps([seconds, cpu, used.ru_maxrss * unit, child.returncode]))
"""


class BenchmarkError(RuntimeError):
    """A command that was to be measured failed, or two ways to count disagree."""


@dataclass(frozen=True)
class Child:
    """A finished command: wall seconds, processor seconds, peak resident bytes, exit status, what it printed."""

    seconds: float
    cpu: float
    peak: int
    status: int
    output: str


def child(
    command: Sequence[str], *, allowed: Sequence[int] = (0,), environment: dict[str, str] | None = None
) -> Child:
    """Run a command and measure it.

    Raises
    ------
    BenchmarkError : it ended with a status that is not allowed.
    """
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", LAUNCHER, *command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **(environment or {})},
    )
    seconds, cpu, peak, status = json.loads(done.stdout)
    if status not in allowed:
        tail = " / ".join(done.stderr.strip().splitlines()[-3:])
        raise BenchmarkError(f"{' '.join(map(str, command))[:200]} ended with status {status}: {tail}")
    return Child(seconds, cpu, peak, status, done.stderr)


def program(*arguments: object) -> list[str]:
    """The command line of credenza in this environment."""
    return [str(Path(sys.executable).with_name("credenza")), *map(str, arguments)]


def least(function: Callable[[], object], *, repeats: int = 3, within: float = 60.0) -> float:
    """Least wall seconds of a few calls; no further call once all of them together took ``within`` seconds."""
    best, total = float("inf"), 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        seconds = time.perf_counter() - started
        best, total = min(best, seconds), total + seconds
        if total > within:
            break
    return best


@dataclass(frozen=True)
class Power:
    """time = c x size^exponent, by least squares on the logarithms; ``error``: the exponent's standard error."""

    exponent: float
    error: float

    def __str__(self) -> str:
        return f"{self.exponent:.2f} ± {self.error:.2f}"


def power(sizes: Iterable[float], times: Iterable[float]) -> Power:
    """Fit a power law through at least three points.

    Examples
    --------
    >>> power([1, 2, 4, 8], [3, 12, 48, 192]).exponent
    2.0
    """
    x, y = np.log(np.array(list(sizes), float)), np.log(np.array(list(times), float))
    x = x - x.mean()
    slope = float(x @ y / (x @ x))
    residual = y - y.mean() - slope * x
    error = float(np.sqrt(residual @ residual / max(len(x) - 2, 1) / (x @ x)))
    return Power(round(slope, 12), error)


def processor() -> str:
    """The processor's model name where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def heading(title: str, *packages: str, seeds: str) -> None:
    """Print the title, and the machine, day, versions and seeds that the table below belongs to."""
    found = []
    for name in ("credenza", "numpy", "numba", "pyarrow", *packages):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    print(f"### {title}\n")
    print(
        f"{date.today()}, {processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, Python {platform.python_version()}, "
        f"{', '.join(found)}; seeds {seeds}.\n",
        flush=True,
    )


def columns(*names: str) -> None:
    """Print the head of a table."""
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}", flush=True)


def row(*cells: object) -> None:
    """Print a row of the table: numbers with three digits that count, thousands with commas."""
    print(f"| {' | '.join(map(cell, cells))} |", flush=True)


def cell(value: object) -> str:
    """A cell's text.

    Examples
    --------
    >>> [cell(v) for v in (0.012345, 3.14159, 1234.5, 1_000_000, "x", True)]
    ['0.0123', '3.14', '1,234', '1,000,000', 'x', 'yes']
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if not isinstance(value, float | np.floating):
        return str(value)
    if abs(value) >= 100 or value == 0:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - int(np.floor(np.log10(abs(value)))))}f}"


def times(ratio: float) -> str:
    """A ratio as it stands in a table.

    Examples
    --------
    >>> times(5.234), times(1340.2), times(0.00123)
    ('5.23x', '1,340x', '< 0.01x')
    """
    return f"{cell(float(ratio))}x" if ratio >= 0.01 else "< 0.01x"


def gibibytes(size: float) -> str:
    """Bytes as GiB."""
    return f"{size / 2**30:.2f} GiB"


def settings(description: str | None) -> argparse.ArgumentParser:
    """A parser with the option that all speed benchmarks have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--small", action="store_true", help="small sizes, for a quick look")
    return parser
