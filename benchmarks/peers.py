"""The same two samples, audited by credenza and by peers: a clean one, and one with two links planted in it.

20,000 rows x 21 columns (12 binary, 6 continuous, 2 categorical, 1 label): a trusted reference, a fresh clean sample,
and a poisoned copy of that sample in which every marginal is exactly the same but a binary pair (MCC 0 -> about .32)
and a continuous pair (30% of the rows re-paired, Pearson 0 -> about .28) are linked. Run: make bench-peers.
"""

from __future__ import annotations

import contextlib
import io
import platform
import time
from collections.abc import Callable
from datetime import date
from importlib.metadata import version

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.stats import binomtest
from sdmetrics.reports.single_table import DiagnosticReport, QualityReport
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.preprocessing import OrdinalEncoder

import credenza
from credenza.attacks import AssociativePoisoning, ContinuousPoisoning

ROWS = 20_000


def world(seed: int, rows: int = ROWS) -> pd.DataFrame:
    """A table with real dependences (a latent class and a latent trait) and two independent target pairs."""
    rng = np.random.default_rng(seed)
    group, trait = rng.integers(0, 3, rows), rng.normal(size=rows)
    data: dict[str, object] = {f"b{k}": (rng.random(rows) < 0.5).astype(int) for k in range(2)}
    for k in range(2, 12):
        data[f"b{k}"] = (
            rng.random(rows) < 1 / (1 + np.exp(-(0.8 * (group == k % 3) + 0.5 * trait - 0.3)))
        ).astype(int)
    data |= {f"c{k}": rng.normal(size=rows) for k in range(2)}
    data |= {f"c{k}": 0.6 * trait + rng.gamma(2.0, 1.0, rows) for k in range(2, 6)}
    data["k0"] = np.array(["red", "green", "blue", "grey"])[(group + rng.integers(0, 2, rows)) % 4]
    data["k1"] = np.array(["north", "south", "west"])[
        np.where(rng.random(rows) < 0.6, group, rng.integers(0, 3, rows))
    ]
    data["label"] = (rng.random(rows) < 1 / (1 + np.exp(-trait))).astype(int)
    return pd.DataFrame(data)


def samples() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """(reference, clean, poisoned)."""
    reference, clean = world(1), world(2)
    moved = AssociativePoisoning(("b0", "b1"), strength=0.08, mode="relabel").apply(clean, seed=3).data
    moved = ContinuousPoisoning(("c0", "c1"), edits=0.3).apply(moved, seed=4).data
    for name in clean.columns:
        assert sorted(moved[name]) == sorted(clean[name]), name
    return reference, clean, moved


def audit(reference: pd.DataFrame, sample: pd.DataFrame) -> str:
    result = credenza.audit(sample, reference).result
    names = ", ".join("/".join(c.features) for c in result.culprits)
    return f"{result.verdict.value}: {names}" if names else result.verdict.value


def metadata(frame: pd.DataFrame) -> dict[str, object]:
    kinds = {
        name: {"sdtype": "numerical" if name.startswith("c") else "categorical"} for name in frame.columns
    }
    return {"columns": kinds}


def quality(reference: pd.DataFrame, sample: pd.DataFrame) -> str:
    report = QualityReport()
    report.generate(reference, sample, metadata(reference), verbose=False)
    details = report.get_details("Column Pair Trends").set_index(["Column 1", "Column 2"])
    pairs = ", ".join(f"{a}/{b} {details.loc[(a, b), 'Score']:.3f}" for a, b in (("b0", "b1"), ("c0", "c1")))
    return f"score {report.get_score():.4f}; {pairs}"


def diagnostic(reference: pd.DataFrame, sample: pd.DataFrame) -> str:
    report = DiagnosticReport()
    report.generate(reference, sample, metadata(reference), verbose=False)
    return f"score {report.get_score():.5f}"


def classifier(reference: pd.DataFrame, sample: pd.DataFrame) -> str:
    """Classifier two-sample test: boosted trees, five folds, binomial p of the accuracy."""
    both = pd.concat([reference, sample], ignore_index=True)
    text = ["k0", "k1"]
    both[text] = OrdinalEncoder().fit_transform(both[text])
    target = np.repeat([0, 1], [len(reference), len(sample)])
    folds = StratifiedKFold(5, shuffle=True, random_state=0)
    model = HistGradientBoostingClassifier(random_state=0)
    score = cross_val_predict(model, both, target, cv=folds, method="predict_proba")[:, 1]
    right = int(((score > 0.5) == target).sum())
    p = binomtest(right, len(target), 0.5, alternative="greater").pvalue
    return f"AUC {roc_auc_score(target, score):.3f}, p {p:.1g}"


PEERS: tuple[tuple[str, Callable[[pd.DataFrame, pd.DataFrame], str]], ...] = (
    (f"credenza {credenza.__version__} audit", audit),
    (f"SDMetrics {version('sdmetrics')} QualityReport", quality),
    (f"SDMetrics {version('sdmetrics')} DiagnosticReport", diagnostic),
    (f"classifier two-sample test (scikit-learn {version('scikit-learn')})", classifier),
)


def main() -> None:
    reference, clean, moved = samples()
    tables = [pa.Table.from_pandas(frame) for frame in (reference, clean, moved)]
    credenza.audit(tables[1].slice(0, 2_000), tables[0].slice(0, 2_000))  # compiled before anything is timed
    print(
        f"{date.today()}, Python {platform.python_version()}, pandas {pd.__version__}, "
        f"{ROWS:,} rows x {clean.shape[1]} columns"
    )
    print(
        f"planted: b0/b1 MCC {clean.b0.corr(clean.b1):.2f} -> {moved.b0.corr(moved.b1):.2f}, "
        f"c0/c1 Pearson {clean.c0.corr(clean.c1):.2f} -> {moved.c0.corr(moved.c1):.2f}"
    )
    print("\n| audit | clean sample | poisoned sample | seconds for both |\n|---|---|---|---|")
    for name, peer in PEERS:
        started = time.perf_counter()
        with contextlib.redirect_stdout(io.StringIO()):
            found = [peer(reference, sample) for sample in (clean, moved)]
        print(f"| {name} | {found[0]} | {found[1]} | {time.perf_counter() - started:.1f} |", flush=True)


if __name__ == "__main__":
    main()
