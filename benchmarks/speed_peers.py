"""All pairs of a boolean table: credenza against the usual libraries, on the same rows. Run: make bench-speed.

A peer runs at a size when its smaller sizes say that it finishes within the limit; otherwise its time is extrapolated,
per pair linear in rows (constant + slope, fitted to its own times) and quadratic in features, and stands in a column of
its own. What each does: phik, its matrix; dython, Cramer's V; SDMetrics, the quality report of two tables;
scikit-learn, mutual_info_score in a loop over pairs; pandas, DataFrame.corr; numpy, the float32 product X X^T, by which
BLAS fills one triangle. credenza counts from bit planes, counts from Arrow, and audits two Parquet files of that size
from the shell, with both reports written.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from measure import cell, child, columns, heading, least, program, row, settings, times
from packed import floats, table, write
from scipy.optimize import nnls

from credenza.association.counts import PairCounts
from credenza.association.kernels import pack_booleans

Run = Callable[[pa.Table, pa.Table], Callable[[], object]]
SIZES = ((10_000, 40), (100_000, 40), (10_000, 100), (100_000, 100), (1_000_000, 40), (1_000_000, 1_000))
SMALL = ((5_000, 10), (20_000, 10), (20_000, 20), (200_000, 20), (200_000, 200))
SEEDS = (1, 2)


def phik_matrix(suspect: pa.Table, _: pa.Table) -> Callable[[], object]:
    import phik  # noqa: F401  (adds the method to pandas)

    frame = suspect.to_pandas()
    return lambda: frame.phik_matrix(interval_cols=[], verbose=False)


def dython_associations(suspect: pa.Table, _: pa.Table) -> Callable[[], object]:
    from dython.nominal import associations

    frame = suspect.to_pandas()
    return lambda: associations(frame, nominal_columns="all", compute_only=True)


def quality_report(suspect: pa.Table, reference: pa.Table) -> Callable[[], object]:
    from sdmetrics.reports.single_table import QualityReport

    real, synthetic = reference.to_pandas(), suspect.to_pandas()
    metadata = {"columns": {name: {"sdtype": "categorical"} for name in real.columns}}
    return lambda: QualityReport().generate(real, synthetic, metadata, verbose=False)


def mutual_information(suspect: pa.Table, _: pa.Table) -> Callable[[], object]:
    from sklearn.metrics import mutual_info_score

    values = [column.to_numpy() for column in suspect.columns]
    return lambda: [mutual_info_score(a, b) for a, b in combinations(values, 2)]


def pandas_corr(suspect: pa.Table, _: pa.Table) -> Callable[[], object]:
    frame = pd.DataFrame(floats(suspect).T, copy=False)
    return frame.corr


def numpy_gram(suspect: pa.Table, _: pa.Table) -> Callable[[], object]:
    matrix = floats(suspect)
    return lambda: matrix @ matrix.T


@dataclass
class Peer:
    """A way to get all pairs, and the seconds it took: {(rows, features): seconds}."""

    name: str
    prepare: Run
    nominal: bool = True
    seconds: dict[tuple[int, int], float] = field(default_factory=dict)

    def expected(self, rows: int, features: int) -> float:
        """Seconds at another size: pairs x (constant + slope x rows), through the largest size that was run."""
        if not self.seconds:
            return 0.0
        sizes = np.array(list(self.seconds), float)
        pairs = sizes[:, 1] * (sizes[:, 1] - 1) / 2
        found = np.array(list(self.seconds.values())) / pairs
        design = np.column_stack([np.ones(len(sizes)), sizes[:, 0]])
        if len({rows for rows, _ in self.seconds}) == 1:
            design = design[:, 1:]
        weights = nnls(design / found[:, None], np.ones(len(sizes)))[0]
        model = design @ weights * pairs
        largest = int(np.argmax(model))
        here = np.array([1.0, rows])[-len(weights) :] @ weights * features * (features - 1) / 2
        return float(here / model[largest] * list(self.seconds.values())[largest])


PEERS = (
    ("phik phik_matrix", phik_matrix),
    ("dython associations", dython_associations),
    ("SDMetrics QualityReport", quality_report),
    ("scikit-learn mutual_info_score", mutual_information),
    ("pandas DataFrame.corr", pandas_corr),
)


def timed(prepare: Run, suspect: pa.Table, reference: pa.Table, *, repeats: int = 3) -> float:
    """Least seconds, with what the libraries print and warn of kept off the table."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        return least(prepare(suspect, reference), repeats=repeats, within=10.0)


def planes_of(data: pa.Table) -> np.ndarray:
    return pack_booleans([column.chunk(0) for column in data.columns])


def counting(data: pa.Table) -> tuple[float, float]:
    """Seconds from bit planes to pair counts, and from an Arrow table to pair counts."""
    sizes = (2,) * data.num_columns
    planes = planes_of(data)
    count = least(
        lambda: PairCounts.empty(sizes).update_planes(planes, data.num_rows), repeats=5, within=20.0
    )
    whole = least(
        lambda: PairCounts.empty(sizes).update_planes(planes_of(data), data.num_rows), repeats=5, within=20.0
    )
    return count, whole


def shell_audit(rows: int, features: int) -> float:
    """Seconds of the command that audits one Parquet file against another and writes both reports."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        suspect, reference = (write(place / f"{seed}.parquet", rows, features, seed=seed) for seed in SEEDS)
        reports = ("--json", place / "a.json", "--html", place / "a.html")
        command = program("audit", suspect, "--reference", reference, "--quiet", *reports)
        return min(child(command, allowed=(0, 1)).seconds for _ in range(3))


@dataclass(frozen=True)
class Ours:
    """Seconds at one size: the product, counting from planes and from Arrow, the audit from the shell."""

    product: float
    planes: float
    arrow: float
    audit: float

    def ratios(self, seconds: float, mark: str = "") -> tuple[str, ...]:
        """A time against the product, the counting and the audit."""
        return tuple(mark + times(seconds / own) for own in (self.product, self.planes, self.audit))


def compare(rows: int, features: int, peers: list[Peer], limit: float) -> Ours:
    """Print the lines of one size."""
    suspect, reference = (table(rows, features, seed=seed) for seed in SEEDS)
    product = timed(numpy_gram, suspect, reference)
    ours = Ours(product, *counting(suspect), shell_audit(rows, features))
    for peer in peers:
        expected = peer.expected(rows, features)
        if expected <= limit:
            taken = peer.seconds[rows, features] = timed(peer.prepare, suspect, reference)
            row(rows, features, peer.name, taken, "", *ours.ratios(taken))
        else:
            row(rows, features, peer.name, "", f"~ {cell(expected)}", *ours.ratios(expected, "~ "))
    for name, taken in (
        ("numpy float32 Gram", ours.product),
        ("credenza, counting from bit planes", ours.planes),
        ("credenza, counting from Arrow", ours.arrow),
        ("credenza audit, Parquet to reports", ours.audit),
    ):
        row(rows, features, name, taken, "", *ours.ratios(taken))
    return ours


def verdicts(ours: Ours, peers: list[Peer], rows: int, features: int) -> None:
    """Print what is to be reached at the largest size, and what was."""
    expected = {peer.name: peer.expected(rows, features) for peer in peers if peer.nominal}
    fastest = min(expected, key=lambda name: expected[name])
    print(f"\nAt {rows:,} x {features:,}; the fastest association library there is {fastest}:\n")
    columns("ratio", "found", "target")
    row("Gram / counting from bit planes", times(ours.product / ours.planes), ">= 5x")
    row("Gram / counting from Arrow", times(ours.product / ours.arrow), "")
    row("audit of two sides / Gram of one", times(ours.audit / ours.product), "<= 2x")
    row(f"{fastest} / audit", f"~ {times(expected[fastest] / ours.audit)}", ">= 1,000x")


def main() -> None:
    parser = settings(__doc__)
    parser.add_argument(
        "--limit", type=float, default=60.0, help="most seconds that a peer is expected to take (60)"
    )
    args = parser.parse_args()
    peers = [Peer(name, prepare, name != "pandas DataFrame.corr") for name, prepare in PEERS]
    packages = ("phik", "dython", "sdmetrics", "scikit-learn", "pandas")
    heading("All pairs of one table", *packages, seeds=" and ".join(map(str, SEEDS)))
    columns("rows", "features", "what", "seconds", "extrapolated", "v Gram", "v counting", "v audit")
    tiny = table(1_000, 10, seed=SEEDS[0])
    counting(tiny)  # all is compiled and started before anything is timed
    for prepare in (*(peer.prepare for peer in peers), numpy_gram):
        timed(prepare, tiny, tiny)
    sizes = SMALL if args.small else SIZES
    found = [
        compare(rows, features, peers, min(args.limit, 10.0) if args.small else args.limit)
        for rows, features in sizes
    ]
    verdicts(found[-1], peers, *sizes[-1])


if __name__ == "__main__":
    main()
