"""CZ403 to CZ405 on a million embeddings: time and peak memory. Run: python benchmarks/samples_speed.py.

1,000,000 rows of 128 float32 numbers in ten classes lie in a .npy file, which is mapped, not read; 1% of the rows of
one class are moved apart. Each check runs in a process of its own. Printed are seconds of its run, seconds of
processor time, the peak of the process's own memory beyond what it had when the file was open (pages of the mapped
file are not counted: the system drops them at will), and what the check says.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import resource
import tempfile
import threading
import time
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

import credenza
from credenza.checks import REGISTRY, Evidence, Settings
from credenza.checks.samples.beside import SampleInputs
from credenza.data import open_source

ROWS, COLUMNS, CLASSES, SEED = 1_000_000, 128, 10, 0
CODES = ("CZ403", "CZ404", "CZ405")
BLOCK = 50_000


def write(path: Path, rows: int) -> pa.Table:
    """Gaussian classes in a file, a block at a time, and the table of their labels."""
    rng = np.random.default_rng(SEED)
    centres = rng.normal(size=(CLASSES, COLUMNS)).astype(np.float32) * 2
    shift = rng.normal(size=COLUMNS).astype(np.float32)
    labels = rng.integers(0, CLASSES, rows)
    values = np.lib.format.open_memmap(path, "w+", np.float32, (rows, COLUMNS))
    for start in range(0, rows, BLOCK):
        part = labels[start : start + BLOCK]
        block = rng.standard_normal((len(part), COLUMNS), np.float32) + centres[part]
        block[(part == 3) & (rng.random(len(part)) < 0.01)] += 1.5 * shift
        values[start : start + BLOCK] = block
    values.flush()
    return pa.table({"label": labels, "size": rng.normal(size=rows)})


def own_memory() -> int:
    """Bytes of this process that belong to no file."""
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return 0


class Watch(threading.Thread):
    """Looks at the memory of this process twenty times a second."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.first = self.peak = own_memory()
        self.over = threading.Event()

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(0.05):
            self.peak = max(self.peak, own_memory())


def measure(code: str, path: str, table: pa.Table, queue: multiprocessing.Queue[tuple[float, ...]]) -> None:
    """One check, in this process."""
    inputs = SampleInputs(labels="label", embeddings=path)
    evidence = Evidence(open_source(table), None, Settings(seed=SEED), beside=inputs)
    evidence.beside.read()
    (check,) = (check for check in REGISTRY if check.code == code)
    watch = Watch()
    watch.start()
    wall, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    outcome = check().run(evidence)
    wall, after = time.perf_counter() - wall, resource.getrusage(resource.RUSAGE_SELF)
    watch.over.set()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    queue.put((wall, cpu, float(watch.peak - watch.first), float(len(outcome.findings))))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[ROWS // 4, ROWS])
    args = parser.parse_args()
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    print(
        f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, {os.cpu_count()} cores"
    )
    print(f"load before (1, 5, 15 minutes): {load}; {COLUMNS} columns, {CLASSES} classes")
    print(
        "\n| rows | check | s | s of processor | peak memory, MB | findings |\n|---|---|---|---|---|---|",
        flush=True,
    )
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        for rows in args.rows:
            path = Path(folder, f"{rows}.npy")
            table = write(path, rows)
            for code in CODES:
                queue = context.Queue()
                child = context.Process(target=measure, args=(code, str(path), table, queue))
                child.start()
                wall, cpu, peak, findings = queue.get()
                child.join()
                print(
                    f"| {rows:,} | {code} | {wall:.1f} | {cpu:.1f} | {peak / 1e6:.0f} | {findings:.0f} |",
                    flush=True,
                )
            path.unlink()


if __name__ == "__main__":
    main()
