"""What the validator passes and what it catches, and what dilution does. Run: python benchmarks/validation.py

Every scenario is a function of a seed that cuts a batch and a reference from one real table, does something to the
batch, and validates it. Printed is the share of runs with an alarm (95% Wilson interval), and how often each check
raised one.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import cache, partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from detection import summary
from tables import DATA, adult, split

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.checks.batches.doubt import class_chances
from credenza.errors import InfeasibleError
from credenza.models.tabular import ChowLiu, GaussianCopula
from credenza.report.validating import validate
from credenza.synthetic.dilute import mixed_strength
from credenza.synthetic.strengths import pair_shift

ROWS = 1_000, 4_000, 4_000  # batch, reference, hold-out of adult_census
MORE = 2_000, 4_000, 8_000
REVIEWS = 700, 1_000, 300  # of movie_reviews
SHARES = (0.0, 0.3, 0.5, 0.7, 0.9)  # of synthetic rows in a mix
HS, MARRIED = ("education", "HS-grad"), ("marital_status", "Married-civ-spouse")
MALE, PRIVATE = ("sex", "Male"), ("workclass", "Private")
LEARNT = ("race", "White"), MALE  # a tree and a copula take over what is done to this pair
PAIRS = ((MALE, PRIVATE), (HS, MALE), (HS, PRIVATE), (MARRIED, PRIVATE), (HS, MARRIED))
Codes = tuple[str, ...]


@dataclass(frozen=True)
class Cut:
    """A batch, its reference and rows that are in neither."""

    batch: pa.Table
    reference: pa.Table
    spare: pa.Table
    rng: np.random.Generator
    seed: int

    @property
    def label(self) -> str:
        return self.batch.column_names[-1]


Change = Callable[[Cut], pa.Table]


@cache
def reviews() -> pa.Table:
    """2,000 film reviews, half of them negative."""
    return pq.read_table(DATA / "movie_reviews.parquet")


def validated(
    change: Change, seed: int, *, text: bool, checks: object = None, rows: tuple[int, ...] = ROWS
) -> Codes | None:
    """Codes of the checks that raised an alarm; None where this cut does not allow the change."""
    parts = split(reviews() if text else adult(), seed, *(REVIEWS if text else rows))
    cut = Cut(*parts, np.random.default_rng([seed, 7]), seed)
    try:
        batch = change(cut)
    except InfeasibleError:
        return None
    names = {"labels": cut.label, "text": "text" if text else None}
    found = validate(batch, cut.reference, checks=checks, **names)
    return tuple(sorted({f.code for o in found.outcomes for f in o.findings if f.severity == "alarm"}))


def shifted(cut: Cut) -> pa.Table:
    """15 points more of the rarer label, by fresh rows in the place of others."""
    own, spare = (np.array(t[cut.label].to_pylist()) for t in (cut.batch, cut.spare))
    names, counts = np.unique(own, return_counts=True)
    rare = names[np.argmin(counts)]
    many = round(0.15 * len(own))
    gone = cut.rng.choice(np.flatnonzero(own != rare), many, replace=False)
    kept = np.setdiff1d(np.arange(len(own)), gone)
    return pa.concat_tables([cut.batch.take(kept), cut.spare.take(np.flatnonzero(spare == rare)[:many])])


def repeating(cut: Cut) -> pa.Table:
    many = round(0.08 * cut.batch.num_rows)
    return pa.concat_tables([cut.batch[: cut.batch.num_rows - many], cut.batch[:many]])


def copying(cut: Cut) -> pa.Table:
    many = round(0.03 * cut.batch.num_rows)
    return pa.concat_tables([cut.batch[many:], cut.reference[:many]])


def nearly_copying(cut: Cut) -> pa.Table:
    """3% of the rows are rows of the reference with age, hours and weight a little moved."""
    many = round(0.03 * cut.batch.num_rows)
    rows = cut.reference[:many]
    moves = {"age": cut.rng.choice([-1, 1], many), "hours_per_week": cut.rng.choice([-1, 0, 1], many)}
    moves["fnlwgt"] = np.round(rows["fnlwgt"].to_numpy() * cut.rng.normal(0, 0.01, many)).astype(int)
    for name, move in moves.items():
        place = rows.column_names.index(name)
        rows = rows.set_column(place, name, pa.array(rows[name].to_numpy() + move))
    return pa.concat_tables([cut.batch[many:], rows])


def babbling(cut: Cut, share: float = 0.1) -> pa.Table:
    """10% of the rows are made of cells of different rows, or of the words of all texts in any order."""
    many = round(share * cut.batch.num_rows)
    if "text" in cut.batch.column_names:
        words = " ".join(cut.spare["text"].to_pylist()).split(" ")
        texts = [" ".join(cut.rng.choice(words, 300)) for _ in range(many)]
        rows = cut.batch[:many].set_column(0, "text", pa.array(texts))
    else:
        columns = [cut.spare[name].take(cut.rng.permutation(many)) for name in cut.spare.column_names]
        rows = pa.table(columns, schema=cut.batch.schema)
    return pa.concat_tables([cut.batch[many:], rows])


def mislabelled(cut: Cut) -> pa.Table:
    own = np.array(cut.batch[cut.label].to_pylist())
    names = np.unique(own)
    chosen = cut.rng.choice(len(own), round(0.1 * len(own)), replace=False)
    own[chosen] = np.where(own[chosen] == names[0], names[1], names[0])
    column = pa.array(own.tolist()).cast(pa.string())
    if pa.types.is_dictionary(cut.batch[cut.label].type):
        column = column.dictionary_encode()
    return cut.batch.set_column(cut.batch.num_columns - 1, cut.label, column)


def associated(cut: Cut) -> pa.Table:
    (a, x), (b, y) = PAIRS[cut.seed % len(PAIRS)]
    sign = 1 if cut.seed // len(PAIRS) % 2 else -1
    attack = AssociativePoisoning((a, b), levels=(x, y), strength=0.05 * sign)
    return attack.apply(cut.batch, holdout=cut.spare, seed=cut.seed).data


def synthesised(seed: int, *, kind: str, strength: float) -> Codes | None:
    """A batch of a generator fitted on clean rows, or on rows with one pair associated; losses are notices.

    "named" is added where the pair is among the culprits that remain.
    """
    fitted, spare, reference = split(adult(), seed, 4_000, 8_000, 4_000)
    (a, x), (b, y) = LEARNT
    if strength:
        sign = 1 if seed % 2 else -1
        try:
            attack = AssociativePoisoning((a, b), levels=(x, y), strength=sign * strength)
            fitted = attack.apply(fitted, holdout=spare, seed=seed).data
        except InfeasibleError:
            return None
    generator = ChowLiu() if kind == "tree" else GaussianCopula()
    batch = generator.fit(fitted, seed=0).sample(2_000, seed=seed)
    found = validate(batch, reference, labels="income", lossy=True)
    raised = {f.code for o in found.outcomes for f in o.findings if f.severity == "alarm"}
    named = any({a, b} <= set(c.features) for c in found.result.culprits)
    return tuple(sorted(raised | ({"named"} if named else set())))


def mixed(seed: int, *, synthetic: bool) -> list[list[float]]:
    """Strength of a planted pair, its formula, and success of a label flip, by the share of added rows."""
    suspect, clean, reference, test = split(adult(), seed, 4_000, 4_000, 8_000, 4_000)
    a, b = PAIRS[0]
    attack = AssociativePoisoning((a[0], b[0]), levels=(a[1], b[1]), strength=0.05)
    moved = attack.apply(suspect, holdout=clean, seed=seed).data
    flipped = flip(suspect)
    maker = ChowLiu().fit(reference, seed=0)
    out = []
    for share in SHARES:
        many = round(suspect.num_rows * share / (1 - share))
        rows = maker.sample(max(many, 1), seed=seed) if synthetic else fresh(seed, many)
        rows = rows[:many].cast(suspect.schema)
        found = pair_shift(pa.concat_tables([moved, rows]), reference, (a[0], b[0]), (a[1], b[1]))
        start = pair_shift(moved, reference, (a[0], b[0]), (a[1], b[1])).strength
        told = mixed_strength(start, moved.num_rows, many)
        out.append([found.strength, told, success(pa.concat_tables([flipped, rows]), test)])
    return out


def fresh(seed: int, many: int) -> pa.Table:
    """Rows drawn from those that are in no other part."""
    order = np.random.default_rng([seed, 1]).permutation(adult().num_rows)[20_000:]
    return adult().take(np.random.default_rng([seed, 8]).choice(order, max(many, 1)))


def victims(table: pa.Table) -> np.ndarray:
    """Women who never married and work in offices: hardly one earns more than 50,000."""
    is_a = {"sex": "Female", "marital_status": "Never-married", "occupation": "Adm-clerical"}
    return np.all([np.array(table[name].to_pylist()) == value for name, value in is_a.items()], axis=0)


def flip(table: pa.Table) -> pa.Table:
    """All victims get the label of high earners."""
    labels = np.where(victims(table), ">50K", np.array(table["income"].to_pylist()))
    column = pa.array(labels.tolist()).dictionary_encode()
    return table.set_column(table.num_columns - 1, "income", column).cast(table.schema)


def success(train: pa.Table, test: pa.Table) -> float:
    """Share of the victims in the test rows that a logistic regression with pairs of the three traits gets wrong."""
    labels = (np.array(train["income"].to_pylist()) == ">50K").astype(int)
    asked = test.filter(pa.array(victims(test)))
    designs = [design(table) for table in (train, asked)]
    return float((class_chances(designs[0], labels, designs[1], 2, 1.0)[:, 1] > 0.5).mean())


def design(table: pa.Table) -> np.ndarray:
    """One column for each level of the names, numbers as they are, and one for being a victim."""
    numbers = ("age", "education_num", "hours_per_week")
    parts = [victims(table)[:, None].astype(float)]
    parts += [table[name].to_numpy().astype(float)[:, None] for name in numbers]
    for name in ("sex", "marital_status", "occupation", "relationship"):
        known = sorted(set(adult()[name].to_pylist()), key=str)
        values = np.array(table[name].to_pylist(), object)
        parts.append(np.stack([values == level for level in known], axis=1).astype(float))
    return np.hstack(parts)


@dataclass(frozen=True)
class Row:
    name: str
    run: Callable[[int], Codes | None]
    target: str
    runs: int


def _row(name: str, change: Change, target: str, runs: int) -> Row:
    return Row(f"adult: {name}", partial(validated, change, text=False), target, runs)


def _text(name: str, change: Change, target: str, runs: int, checks: object = None) -> Row:
    return Row(f"reviews: {name}", partial(validated, change, text=True, checks=checks), target, runs)


def _made(name: str, kind: str, strength: float, target: str, runs: int) -> Row:
    return Row(f"adult: {name}", partial(synthesised, kind=kind, strength=strength), target, runs)


def untouched(cut: Cut) -> pa.Table:
    return cut.batch


SCENARIOS = (
    _row("clean", untouched, "<= 7%", 100),
    _row("label shift of 15 points", shifted, ">= 95%", 30),
    _row("8% duplicates", repeating, ">= 95%", 30),
    _row("3% copies of the reference", copying, ">= 95%", 30),
    _row("3% copies, numbers moved a little", nearly_copying, "", 30),
    _row("10% rows of unrelated cells", babbling, "", 30),
    _row("10% wrong labels", mislabelled, ">= 95%", 40),
    _row("one pair, .05", associated, "", 40),
    Row(
        "adult: one pair, .05, 2,000 rows",
        partial(validated, associated, text=False, rows=MORE),
        ">= 95%",
        40,
    ),
    _text("clean", untouched, "<= 7%", 24),
    _text("8% duplicates", repeating, ">= 95%", 10, ("CZ602",)),
    _text("3% copies of the reference", copying, ">= 95%", 10, ("CZ602",)),
    _text("10% gibberish", babbling, ">= 95%", 10, ("CZ603",)),
    _text("15 points more of one label", shifted, ">= 95%", 10, ("CZ601",)),
    _text("10% wrong labels", mislabelled, ">= 95%", 20, ("CZ604",)),
    _made("tree, fitted on clean rows (--lossy)", "tree", 0.0, "", 12),
    _made("tree, fitted on race x sex moved by .05 (--lossy)", "tree", 0.05, ">= 95%", 12),
    _made("copula, fitted on clean rows (--lossy)", "copula", 0.0, "", 8),
    _made("copula, fitted on race x sex moved by .05 (--lossy)", "copula", 0.05, ">= 95%", 8),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="run scenarios whose name has this text")
    parser.add_argument("--share", type=float, default=1.0, help="share of the runs, for a quick look")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    args = parser.parse_args()
    started = time.perf_counter()
    print(f"credenza {credenza.__version__}, {date.today()}, Python {platform.python_version()}, "
          f"{os.cpu_count()} cores; seeds 0, 1, 2, ...")  # fmt: skip
    print(
        "\n| batch | an alarm | target | runs | checks that raised one |\n|---|---|---|---|---|", flush=True
    )
    with ProcessPoolExecutor(args.jobs) as pool:
        for row in (row for row in SCENARIOS if args.only in row.name):
            seeds = range(max(2, round(row.runs * args.share)))
            told = [codes for codes in pool.map(row.run, seeds) if codes is not None]
            counts = Counter(code for codes in told for code in codes)
            which = ", ".join(f"{code} {n / len(told):.0%}" for code, n in sorted(counts.items()))
            share = summary([float(bool(codes)) for codes in told], share=True)
            print(f"| {row.name} | {share} | {row.target} | {len(told)} | {which} |", flush=True)
        if args.only in "dilution":
            dilution(pool, max(2, round(10 * args.share)))
    print(f"\n{time.perf_counter() - started:.0f} s with {args.jobs} processes.")


def dilution(pool: ProcessPoolExecutor, runs: int) -> None:
    """The table of what mixing in rows does, with genuine and with synthetic ones."""
    print("\n| rows added | share of the mix | strength | by the formula | label flip succeeds | runs |\n"
          "|---|---|---|---|---|---|")  # fmt: skip
    for name, synthetic in (("genuine", False), ("tree", True)):
        found = np.array(list(pool.map(partial(mixed, synthetic=synthetic), range(runs))))
        for k, share in enumerate(SHARES):
            measured = summary(found[:, k, 0].tolist(), share=False)
            told, wins = found[:, k, 1].mean(), summary(found[:, k, 2].tolist(), share=True)
            print(f"| {name} | {share:.0%} | {measured} | {told:.3f} | {wins} | {runs} |", flush=True)


if __name__ == "__main__":
    main()
