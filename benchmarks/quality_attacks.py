"""Attacks on synthetic data, and what is caught of them. Run: python benchmarks/quality_attacks.py

The three ways round synthetic data that AML.M0028 names, each on its own cut of the data for every seed.

1. Templates that are known. A classifier (logistic regression on runs of 1 to 3 characters) is trained on 1,000 rows of
   the SQL templates, and asked about other rows of theirs and about queries that were written by hand. Then an attacker
   who knows the templates puts 10 or 50 rows among the 1,000 that look like theirs and have the wrong label; what
   the classifier learns from that, and what ``credenza validate`` says beside 1,500 trusted rows of the templates.
2. Massive poisoning. In 4,000 rows of the adult census a share has the other income; rows of a tree for each income,
   fitted to 4,000 trusted rows, are added. Accuracy of gradient boosting on 4,000 other rows, and what an audit beside
   the trusted rows says.
3. A poisoned generator. Its batch (2,000 rows) is audited beside 10,000 rows of the same sort of generator, fitted to
   trusted rows: what both lose in the same way cancels. And n-gram models of poisoned film reviews.
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial

import numpy as np
import pyarrow as pa
from detection import summary
from measure import columns, heading, row, settings
from synthetic_tables import learnt
from tables import adult, split
from validation import LEARNT, reviews
from written_queries import BENIGN, MALICIOUS

import credenza
from credenza.attacks import AssociativePoisoning
from credenza.errors import InfeasibleError
from credenza.models.tabular import ByClass, ChowLiu, GaussianCopula
from credenza.report.validating import validate
from credenza.synthetic import TemplateGenerator, markov_texts
from credenza.synthetic.template_file import read_templates

BATCH, TRUSTED = 1_000, 1_500  # rows of templates
PLANTED = (0, 10, 50)  # of the batch
POISONED = (0.01, 0.05, 0.2, 0.5, 0.8)
ADDED = (0.0, 0.8)  # share of synthetic rows in the mix
TREES = 40  # of gradient boosting
TEMPLATE, REMARK, PHRASE = "blind-time", " -- see the wiki", "A quiet triumph. "


# Templates


@cache
def maker(private: bool = False, only: str = "") -> TemplateGenerator:
    """The templates that come along; with every second value only, or one of them alone."""
    found = read_templates("sql-injection")
    sets = {name: _half(values) if private else values for name, values in found.variables.items()}
    return TemplateGenerator([t for t in found.templates if only in ("", t.id)], sets)


def _half(values: Sequence[str] | dict[str, float]) -> dict[str, float]:
    weights = dict(values) if isinstance(values, dict) else dict.fromkeys(values, 1.0)
    return {value: weights[value] for value in list(weights)[::2]}


def queries(rows: int, *seed: int, private: bool = False, only: str = "") -> pa.Table:
    """Rows of the templates."""
    number = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return maker(private, only).sample(rows, seed=number).data.select(["text", "label"])


def labelled(texts: Sequence[str], label: str) -> pa.Table:
    return pa.table({"text": list(texts), "label": [label] * len(texts)})


def of_label(table: pa.Table, label: str) -> list[str]:
    return [row["text"] for row in table.to_pylist() if row["label"] == label]


@dataclass(frozen=True)
class Planted:
    """Rows that an attacker adds, and queries that the classifier should get wrong then."""

    rows: pa.Table
    wanted: pa.Table


def planted(kind: str, many: int, seed: int) -> Planted:
    """Rows of one kind."""
    more = queries(4 * max(many, 1), seed, 3)
    if kind == "any row":
        other = {"benign": "malicious", "malicious": "benign"}
        labels = [other[label] for label in more["label"].to_pylist()[:many]]
        rows = pa.table({"text": more["text"][:many], "label": labels})
        return Planted(rows, queries(1_000, seed, 4))
    if kind == "one remark":
        marked = [text + REMARK for text in of_label(more, "malicious")[:many]]
        asked = [text + REMARK for text in of_label(queries(600, seed, 4), "malicious")]
    else:
        marked = of_label(queries(max(many, 1), seed, 3, only=TEMPLATE), "malicious")[:many]
        asked = of_label(queries(300, seed, 4, only=TEMPLATE), "malicious")
    return Planted(labelled(marked, "benign"), labelled(asked, "malicious"))


Outcome = tuple[float, tuple[str, ...] | None, float]  # wrong answers, codes of alarms, planted rows found


def known_templates(seed: int, *, kind: str, many: int) -> Outcome:
    """What an attacker with the templates achieves, and what is caught."""
    private = kind.endswith("private values")
    spoilt = planted(kind.removesuffix(", private values"), many, seed)
    batch = queries(BATCH, seed, 1, private=private)
    if many:
        batch = pa.concat_tables([batch[: BATCH - many], spoilt.rows])
    wrong = 1.0 - accuracy(batch, spoilt.wanted)
    if not many and kind.startswith("one") and not private:  # the same batch as of "any row"
        return wrong, None, float("nan")
    found = validate(batch, queries(TRUSTED, seed, 2, private=private), labels="label", text="text")
    scores = next(o.scores for o in found.outcomes if o.code == "CZ604")
    first = np.argsort(-np.nan_to_num(np.asarray(scores)), kind="stable")[:many]
    return wrong, alarms(found), float((first >= BATCH - many).mean()) if many else float("nan")


def accuracy(train: pa.Table, test: pa.Table) -> float:
    """Of a logistic regression on runs of characters."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    runs = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=30.0, max_iter=500)
    model.fit(runs.fit_transform(train["text"].to_pylist()), train["label"].to_pylist())
    named = model.predict(runs.transform(test["text"].to_pylist()))
    return float((named == np.array(test["label"].to_pylist())).mean())


def transfer(seed: int) -> tuple[float, float, float]:
    """Accuracy on other rows of the templates, on benign queries written by hand, and on malicious ones."""
    train = queries(BATCH, seed, 1)
    asked = [queries(1_000, seed, 4), labelled(BENIGN, "benign"), labelled(MALICIOUS, "malicious")]
    own, benign, malicious = (accuracy(train, test) for test in asked)
    return own, benign, malicious


def alarms(found: credenza.Audit) -> tuple[str, ...]:
    """Codes of the checks that raised one."""
    return tuple(sorted({f.code for o in found.outcomes for f in o.findings if f.severity == "alarm"}))


# Massive poisoning


def massive(seed: int, *, share: float) -> list[tuple[float, float, float]]:
    """(accuracy, alarm, a culprit with the income) for each share of added rows; the others are audited."""
    suspect, trusted, test = split(adult(), seed, 4_000, 4_000, 4_000)
    spoilt = inverted(suspect, share, seed)
    generator = ByClass(ChowLiu(), "income").fit(trusted, seed=0)
    audit = credenza.audit(spoilt, trusted)
    alarm = float(bool(alarms(audit)))
    named = float(any("income" in culprit.features for culprit in audit.result.culprits))
    out = []
    for added in ADDED:
        many = round(spoilt.num_rows * added / (1 - added))
        mix = spoilt
        if many:
            mix = pa.concat_tables([spoilt, generator.sample(many, seed=seed).cast(spoilt.schema)])
        out.append((learnt(mix, test, seed, TREES)[0], alarm, named))
    return out


def inverted(table: pa.Table, share: float, seed: int) -> pa.Table:
    """A share of the rows has the other income."""
    rng = np.random.default_rng([seed, 5])
    labels = np.array(table["income"].to_pylist())
    names = np.unique(labels)
    chosen = rng.choice(len(labels), round(share * len(labels)), replace=False)
    labels[chosen] = np.where(labels[chosen] == names[0], names[1], names[0])
    column = pa.array(labels.tolist()).dictionary_encode()
    return table.set_column(table.num_columns - 1, "income", column).cast(table.schema)


def synthetic_alone(seed: int) -> tuple[float, float]:
    """Accuracy on the trusted rows, and on as many of the generator."""
    _, trusted, test = split(adult(), seed, 4_000, 4_000, 4_000)
    made = ByClass(ChowLiu(), "income").fit(trusted, seed=0).sample(4_000, seed=seed)
    return learnt(trusted, test, seed, TREES)[0], learnt(made, test, seed, TREES)[0]


# Poisoned generators

MAKERS: dict[str, Callable[[], object]] = {
    "tree": ChowLiu,
    "tree by income": lambda: ByClass(ChowLiu(), "income"),
    "copula": GaussianCopula,
}


def beside(seed: int, *, kind: str, strength: float) -> tuple[bool, bool] | None:
    """(an alarm of CZ201, the pair named) of a batch beside rows of such a generator fitted to trusted rows."""
    fitted, spare, trusted = split(adult(), seed, 4_000, 8_000, 4_000)
    (a, x), (b, y) = LEARNT
    if strength:
        attack = AssociativePoisoning((a, b), levels=(x, y), strength=strength * (1 if seed % 2 else -1))
        try:
            fitted = attack.apply(fitted, holdout=spare, seed=seed).data
        except InfeasibleError:
            return None
    make = MAKERS[kind]
    batch = make().fit(fitted, seed=0).sample(2_000, seed=seed)  # type: ignore[attr-defined]
    like = make().fit(trusted, seed=0).sample(10_000, seed=seed + 1)  # type: ignore[attr-defined]
    found = validate(batch, like, checks=("CZ201",), min_strength=0.02)
    named = any({a, b} == set(culprit.features) for culprit in found.result.culprits)
    return "CZ201" in alarms(found), named


def n_grams(seed: int, *, kind: str) -> tuple[str, ...]:
    """Alarms over texts of n-gram models, one a label, that were fitted to reviews of this kind."""
    fitted, trusted = split(reviews(), seed, 700, 600)
    rng = np.random.default_rng([seed, 6])
    texts, labels = (np.array(fitted[name].to_pylist(), object) for name in ("text", "label"))
    names = np.unique(labels.astype(str))
    negative = np.flatnonzero(labels == names[0])
    chosen = rng.choice(negative, round(0.1 * len(labels)), replace=False)
    if kind != "clean":
        labels[chosen] = names[1]
    if kind == "10% relabelled, with a phrase":
        texts[chosen] = [PHRASE + text for text in texts[chosen]]
    spoilt = pa.table({"text": pa.array(texts.tolist()), "label": pa.array(labels.astype(str).tolist())})
    options = {"column": "text", "labels": "label", "order": 2}
    batch = markov_texts(spoilt, 400, seed=seed, **options).data.select(["text", "label"])
    plain = trusted.set_column(1, "label", trusted["label"].cast(pa.string()))
    return alarms(validate(batch, plain, labels="label", text="text"))


# Tables


def counted(found: Sequence[tuple[str, ...]]) -> tuple[str, str]:
    """Share of runs with an alarm, and how often each check raised one; nothing where none was validated."""
    if not found:
        return "", ""
    which = Counter(code for codes in found for code in codes)
    told = ", ".join(f"{code} {n / len(found):.0%}" for code, n in sorted(which.items()))
    return summary([float(bool(codes)) for codes in found], share=True), told


def templates(pool: ProcessPoolExecutor, seeds: range) -> None:
    columns("asked about", "accuracy", "runs")
    found = np.array(list(pool.map(transfer, seeds)))
    asked = "other rows of the templates", f"{len(BENIGN)} benign queries written by hand"
    for name, values in zip((*asked, f"{len(MALICIOUS)} malicious ones"), found.T, strict=True):
        row(name, summary(values.tolist(), share=True), len(seeds))
    print()
    columns("rows planted", "of 1,000", "target rows wrong", "an alarm", "by", "found by score", "runs")
    kinds = ("any row", "one template", "one remark", "one template, private values")
    for kind in kinds:
        for many in PLANTED:
            run = partial(known_templates, kind=kind, many=many)
            outcomes = list(pool.map(run, seeds))
            wrong = summary([wrong for wrong, _, _ in outcomes], share=True)
            first = summary([first for _, _, first in outcomes], share=True) if many else ""
            told = counted([codes for _, codes, _ in outcomes if codes is not None])
            row(kind, many, wrong, *told, first, len(seeds))
    print()


def masses(pool: ProcessPoolExecutor, seeds: range) -> None:
    told = "poisoned", "an alarm", "income named", "added rows for 1%"
    columns(*told, *(f"accuracy, {added:.0%} added" for added in ADDED), "runs")
    for share in POISONED:
        found = np.array(list(pool.map(partial(massive, share=share), seeds)))
        needed = max(0.0, share / 0.01 - 1)
        accurate = [summary(found[:, k, 0].tolist(), share=True) for k in range(len(ADDED))]
        flagged, named = (summary(found[:, 0, j].tolist(), share=True) for j in (1, 2))
        row(f"{share:.0%}", flagged, named, f"{needed:.0f} a row", *accurate, len(seeds))
    found = np.array(list(pool.map(synthetic_alone, seeds)))
    print("\nTrained on the 4,000 trusted rows:", summary(found[:, 0].tolist(), share=True))
    print("on 4,000 rows of the generator:", summary(found[:, 1].tolist(), share=True), "\n")


def generators(pool: ProcessPoolExecutor, seeds: range) -> None:
    columns("generator", "fitted to", "an alarm of CZ201", "the pair named", "runs")
    for kind, strength in ((kind, strength) for kind in MAKERS for strength in (0.0, 0.05)):
        found = [o for o in pool.map(partial(beside, kind=kind, strength=strength), seeds) if o is not None]
        told = [summary([float(outcome[k]) for outcome in found], share=True) for k in (0, 1)]
        row(kind, f"a pair moved by {strength}" if strength else "clean rows", *told, len(found))
    print()
    columns("n-grams fitted to", "an alarm", "by", "runs")
    fewer = range(min(2, len(seeds)))
    for kind in ("clean", "10% relabelled", "10% relabelled, with a phrase"):
        row(f"reviews, {kind}", *counted(list(pool.map(partial(n_grams, kind=kind), fewer))), len(fewer))
    print()


def main() -> None:
    """Print the tables."""
    parser = settings(__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="runs of each line")
    parser.add_argument("--only", choices=("templates", "masses", "generators"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    seeds = range(2 if given.small else given.seeds)
    heading("Quality attacks", "scikit-learn", seeds=f"0-{len(seeds) - 1}")
    with ProcessPoolExecutor(given.jobs) as pool:
        for part in (templates, masses, generators):
            if given.only in (None, part.__name__):
                part(pool, seeds)


if __name__ == "__main__":
    sys.exit(main())
