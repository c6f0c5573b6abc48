"""Generators of tables: seconds, association kept, what classifiers learn from their rows, what poison comes through.

CelebA's 40 binary attributes (16,000 rows) and the adult census (48,842 rows of 15 mixed columns).

1. Speed: fit to 16,000 x 40 and draw 100,000 rows; one run, least of 3 for those of seconds.
2. Pairs: fit to 12,000 random rows; mean over all pairs of |MCC of 50,000 drawn rows - MCC of the fitted rows|. Beside
   the generators: columns drawn independently, and the fitted rows drawn again with replacement.
3. Classifiers: fit to 30,000 random rows of the census, draw as many, train gradient boosting on them, test on the
   18,842 rows that are left: accuracy and AUC, and both of the same classifier trained on the 30,000 rows. "by income":
   one tree or copula for each of the two incomes.
4. Poison: one pair moved by .05 in the 8,000 rows that a generator is fitted to: by how much it is moved in the rows.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import combinations

import numpy as np
import pyarrow as pa
from measure import cell, columns, heading, least, row, settings
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from tables import adult, celeba, poisoned, split

from credenza.models.tabular import ByClass, ChowLiu, GaussianCopula, PrivateChowLiu, TabularDiffusion

Draw = Callable[[pa.Table, int, int], pa.Table]
PAIR = ("Smiling", "Young")


def generators(steps: int) -> Iterator[tuple[str, Draw]]:
    """Name, and a function of (rows to fit to, rows to draw, seed) that draws rows; without steps, no diffusion."""

    def of(make: Callable[[int], object]) -> Draw:
        def draw(table: pa.Table, rows: int, seed: int) -> pa.Table:
            return make(seed).fit(table, seed=seed).sample(rows, seed=seed)  # type: ignore[attr-defined]

        return draw

    yield "independent columns", independent
    yield "Chow-Liu", of(lambda seed: ChowLiu())
    yield "copula", of(lambda seed: GaussianCopula())
    if steps:
        yield f"diffusion, {steps:,} steps", of(lambda seed: TabularDiffusion(steps=steps, device="cpu"))
    for epsilon, delta in ((1.0, 0.0), (1.0, 1e-6), (8.0, 0.0)):
        name = f"Chow-Liu, epsilon {epsilon:g}" + (f", delta {delta:g}" if delta else "")
        yield name, of(lambda seed, e=epsilon, d=delta: PrivateChowLiu(epsilon=e, delta=d, noise_seed=seed))
    yield "the rows again", lambda table, rows, seed: table.take(_places(table, rows, seed))


def by_income(maker: type[ChowLiu] | type[GaussianCopula]) -> Draw:
    """A generator for each income of the census."""
    return lambda table, rows, seed: ByClass(maker(), "income").fit(table, seed=seed).sample(rows, seed=seed)


def independent(table: pa.Table, rows: int, seed: int) -> pa.Table:
    """Every column drawn by itself."""
    parts = [table[name].take(_places(table, rows, (seed, k))) for k, name in enumerate(table.column_names)]
    return pa.table(parts, schema=table.schema)


def _places(table: pa.Table, rows: int, seed: object) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, table.num_rows, rows)  # type: ignore[arg-type]


def mccs(table: pa.Table) -> np.ndarray:
    """MCC of all pairs of bool columns; 0 with a column that does not vary."""
    bits = np.stack([table[name].to_numpy().astype(float) for name in table.column_names])
    bits -= bits.mean(axis=1, keepdims=True)
    found = bits @ bits.T / np.maximum(np.outer(*[np.linalg.norm(bits, axis=1)] * 2), 1e-12)
    return np.array([found[i, j] for i, j in combinations(range(len(bits)), 2)])


def interval(values: list[float]) -> str:
    """Mean and half its 95% interval."""
    half = 1.96 * np.std(values, ddof=1) / np.sqrt(len(values)) if len(values) > 1 else float("nan")
    return f"{np.mean(values):.4f} ± {half:.4f}"


def speed(steps: int) -> None:
    """Seconds of a fit and a draw."""
    columns("generator", "fit to 16,000 x 40 and draw 100,000 rows, s")
    for name, draw in generators(steps):
        if name.startswith(("Chow-Liu", "copula", "diffusion")):
            once = name.startswith("diffusion")
            row(name, least(lambda draw=draw: draw(celeba(), 100_000, 0), repeats=1 if once else 3))
    print()


def pairs(steps: int, seeds: int) -> None:
    """Errors of associations."""
    columns("generator", "mean error of the MCC, 780 pairs", "of the 50 strongest")
    for name, draw in generators(steps):
        every, strongest = [], []
        for seed in range(seeds):
            table = split(celeba(), seed, 12_000)[0]
            wanted = mccs(table)
            errors = np.abs(mccs(draw(table, 50_000, seed)) - wanted)
            every.append(float(errors.mean()))
            strongest.append(float(errors[np.argsort(-np.abs(wanted))[:50]].mean()))
        row(name, interval(every), interval(strongest))
    print()


def learnt(train: pa.Table, test: pa.Table, seed: int, trees: int = 100) -> tuple[float, float]:
    """Accuracy and AUC of gradient boosting on the census' incomes."""
    frames = [table.to_pandas() for table in (train, test)]
    for name in frames[1].columns:
        if frames[1][name].dtype.kind not in "iufb":
            known = sorted(set(frames[1][name].dropna().astype(str)))
            for frame in frames:
                frame[name] = frame[name].astype(str).astype("category").cat.set_categories(known)
    labels = [(frame.pop("income").astype(str).str.contains(">50K")).to_numpy() for frame in frames]
    model = HistGradientBoostingClassifier(
        max_iter=trees, random_state=seed, categorical_features="from_dtype"
    )
    model.fit(frames[0], labels[0])
    scores = model.predict_proba(frames[1])[:, 1]
    return float(np.mean((scores > 0.5) == labels[1])), float(roc_auc_score(labels[1], scores))


def classifiers(steps: int, seeds: int, wanted: str = "") -> None:
    """Trained on synthetic rows, tested on real ones."""
    columns("trained on", "accuracy", "AUC", "points of accuracy below real rows")
    real: list[tuple[float, float]] = []
    makers: list[tuple[str, Draw]] = [("the real rows", lambda table, rows, seed: table), *generators(steps)]
    makers += [("Chow-Liu by income", by_income(ChowLiu)), ("copula by income", by_income(GaussianCopula))]
    for name, draw in (maker for maker in makers if not real or wanted in maker[0]):
        found = []
        for seed in range(seeds):
            train, test = split(adult(), seed, 30_000, 18_842)
            found.append(learnt(draw(train, 30_000, seed), test, seed))
        real = real or found
        lost = [100 * (r[0] - f[0]) for r, f in zip(real, found, strict=True)]
        row(name, interval([f[0] for f in found]), interval([f[1] for f in found]), interval(lost))
    print()


def poison(steps: int, seeds: int) -> None:
    """How much of an associative poison comes out of a generator that was fitted to it."""
    columns("fitted to a poisoned table", "strength in its rows", "of the strength put in")
    for name, draw in generators(steps):
        found = []
        for seed in range(seeds):
            clean, holdout = split(celeba(), seed, 8_000, 8_000)
            spoilt = poisoned(clean, holdout, PAIR, 0.05, seed)
            if spoilt is not None:
                moved = covariance(draw(spoilt, 50_000, seed)) - covariance(draw(clean, 50_000, seed))
                found.append(moved)
        row(name, interval(found), f"{cell(100 * float(np.mean(found)) / 0.05)}%")
    print()


def covariance(table: pa.Table) -> float:
    """P11 - P1 P1 of the pair."""
    a, b = (table[name].to_numpy().astype(float) for name in PAIR)
    return float((a * b).mean() - a.mean() * b.mean())


def main() -> None:
    """Print the tables."""
    parser = settings(__doc__)
    parser.add_argument("--seeds", type=int, default=5, help="runs of each generator")
    parser.add_argument("--steps", type=int, default=2_000, help="of the diffusion model; 0 leaves it out")
    parser.add_argument("--only", choices=("speed", "pairs", "classifiers", "poison"))
    parser.add_argument("--named", default="", help="of the classifiers: generators whose name has this text")
    given = parser.parse_args()
    seeds, steps = (2, 50) if given.small else (given.seeds, given.steps)
    heading("Synthetic tables", "scikit-learn", "torch", seeds=f"0-{seeds - 1}")
    parts = {
        "speed": lambda: speed(steps),
        "pairs": lambda: pairs(steps, seeds),
        "classifiers": lambda: classifiers(steps, seeds, given.named),
        "poison": lambda: poison(steps, seeds),
    }
    for name, part in parts.items():
        if given.only in (None, name):
            part()


if __name__ == "__main__":
    sys.exit(main())
