"""``credenza.validate``: audit a synthetic batch beside the reference that it should be like."""

from __future__ import annotations

import math
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from credenza._version import __version__
from credenza.association.profile import Profile
from credenza.checks import Evidence, Settings
from credenza.checks.batches.batch import Batch, Both, texts_of, word_rows
from credenza.checks.batches.options import LEAST_REFERENCE, BatchOptions
from credenza.checks.pair_table import pair_table
from credenza.checks.runner import chosen, run_checks
from credenza.contracts import (
    AuditResult,
    Culprit,
    FeatureSummary,
    Finding,
    InputSummary,
    IntArray,
    Outcome,
    Severity,
    Status,
)
from credenza.data import Source, open_source
from credenza.data.features.text import TextMeasure, fit_text
from credenza.engines import get_engine
from credenza.errors import InputError, UsageError
from credenza.report.result import Audit
from credenza.report.run import LIBRARIES, open_reference
from credenza.report.scope import verdict

if TYPE_CHECKING:
    from credenza.synthetic.perplexity import PerplexityModel

CHECKS = ("CZ001", "CZ201", "CZ601", "CZ602", "CZ603", "CZ604")
WORDS = 1_000  # that texts are compared by
LADDER_WORDS = 30  # whose associations are looked at


def validate(
    synthetic: Any,
    reference: Any,
    *,
    labels: str | None = None,
    text: str | None = None,
    columns: Sequence[str] | None = None,
    checks: Sequence[str] | None = None,
    tolerance: float = 0.10,
    duplicates: float = 0.05,
    copies: float = 0.02,
    implausible: float = 0.02,
    wrong_labels: float = 0.02,
    min_strength: float = 0.01,
    lossy: bool = False,
    error: float = 0.05,
    perplexity_model: str | os.PathLike[str] | None = None,
    seed: int = 0,
) -> Audit:
    """Is a synthetic batch fit to be mixed into training data?

    Parameters
    ----------
    synthetic, reference : batch and trusted rows, anything :func:`credenza.audit` takes, with the same columns.
    labels : column of classes. text : column of texts, which are compared by their words and judged by an n-gram model.
    columns : look at these only. checks : of CZ001, CZ201 and CZ601 to CZ604; all by default.
    tolerance : change of a label's or a feature's share that passes. duplicates : share of repeated rows that passes,
        beyond the reference's own. copies : of rows of the reference, exact or nearly. implausible : of rows that the
        reference makes implausible. wrong_labels : of labels that content contradicts.
    min_strength : shifts of an association that are not significantly larger pass.
    lossy : associations that are only weaker than in the reference are notices, as tree or copula generators lose
        some; made or reversed ones stay alarms.
    error : chance of any false alarm on a batch that is distributed as the reference is, shared equally by CZ201 and
        CZ601 to CZ604.
    perplexity_model : folder of a language model to judge texts by, in place of n-grams of the reference; see
        :func:`credenza.synthetic.perplexity.perplexity_model`. It must not have learnt from the reference.
    seed : of everything random.

    Returns
    -------
    Audit : its verdict is clear when CZ201 ran and no check raised an alarm.

    Raises
    ------
    InputError : other columns than the reference's; a reference of fewer than 50 rows; an empty batch; a column of
        texts with gaps; no model in the folder. UsageError : a threshold out of range, a profile in place of rows, a
        model to judge texts by without texts. MissingExtraError : the model needs a library that is not installed.

    Notes
    -----
    Both tables are held in memory. Cost: that of an audit, 2,000 x 50,000 distances on each side, five logistic
    regressions. Sources and thresholds: ``docs/checks.md`` and ``docs/validation.md``.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=3_000)
    >>> rows = pa.table({"x": x, "kind": np.where(x + 0.3 * rng.normal(size=3_000) > 0, "up", "down")})
    >>> validate(rows[:1_000], rows[1_000:], labels="kind").verdict.value
    'clear'
    >>> wrong = rows[:1_000].set_column(1, "kind", [rows["kind"][:1_000].to_pylist()[::-1]])
    >>> sorted({f.code for o in validate(wrong, rows[1_000:], labels="kind").outcomes for f in o.findings})
    ['CZ201', 'CZ603', 'CZ604']
    """
    started = time.perf_counter()
    options = BatchOptions(tolerance, duplicates, copies, implausible, wrong_labels, error, lossy)
    settings = Settings(fdr=options.level, min_strength=min_strength, seed=seed)
    selection = chosen(_codes(checks))
    judge = _judge(perplexity_model, text)
    own, known = _opened(synthetic, reference)
    names = _shared_columns(own, known, columns, {"--labels": labels, "--text": text})
    tables = own.table(names), known.table(names)
    evidence = gather(*tables, settings, options, labels=labels, text=text, judge=judge)
    outcomes, seconds = run_checks(evidence, selection)
    if lossy:
        outcomes = tuple(_forgiving(outcome, own.rows) for outcome in outcomes)
    ran = any(o.code == "CZ201" and o.status in (Status.FLAGGED, Status.CLEAR) for o in outcomes)
    result = AuditResult(
        verdict=verdict(outcomes),
        outcomes=outcomes,
        culprits=tuple(sorted((c for o in outcomes for c in o.culprits), key=lambda c: c.log10_p)),
        pairs=pair_table(evidence.inquiry) if ran else None,
        features=_features(evidence),
        inputs=(_summary("suspect", own), _summary("reference", known)),
        settings=settings.to_dict()
        | options.to_dict()
        | {"labels": labels, "text": text, "checks": [check.code for check in selection]}
        | {"perplexity_model": None if judge is None else judge.to_dict()},
        versions={"credenza": __version__, "python": platform.python_version()}
        | {n: version(n) for n in LIBRARIES},
        timing=seconds | {"total": time.perf_counter() - started},
    )
    return Audit(result, frame_like=own.like if own.kind in ("pandas", "polars", "pyarrow") else lambda t: t)


def gather(
    own: pa.Table,
    known: pa.Table,
    settings: Settings,
    options: BatchOptions,
    *,
    labels: str | None = None,
    text: str | None = None,
    judge: PerplexityModel | None = None,
) -> Evidence:
    """Evidence over a batch and its reference; texts stand there as whether frequent words occur."""
    tables, words = Both(own, known), None
    if text is not None:
        texts = tables.map(lambda table: texts_of(table, text))
        measure = _measure(texts.known, text)
        read = texts.map(lambda given: word_rows(given, measure))
        words = read.map(lambda both: both[0])
        tables = Both(_worded(own, text, measure, read.own), _worded(known, text, measure, read.known))
    suspect, reference = open_source(tables.own, role="batch"), open_source(tables.known, role="reference")
    evidence = Evidence(suspect, reference, settings)
    if not evidence.schema.features:
        reasons = "; ".join(f"{name!r}: {reason}" for name, reason in evidence.schema.skipped[:3])
        raise InputError(f"no column of the batch can be compared ({reasons}); name texts by --text")
    evidence.batch = Batch(
        own, known, evidence.schema, options, labels=labels, text=text, words=words, seed=settings.seed,
        perplexity=None if judge is None else judge.perplexity,
    )  # fmt: skip
    return evidence


def _measure(texts: list[str], name: str) -> TextMeasure:
    """The words of the reference that texts are told by."""
    try:
        return fit_text(texts, terms=WORDS, stop_words="english")
    except InputError as error:
        told = str(error).split("; ")[0]
        raise InputError(
            f"the texts in {name!r} cannot be compared: {told}; give a reference of longer or more varied ones"
        ) from error


def _worded(table: pa.Table, text: str, measure: TextMeasure, read: tuple[Any, IntArray]) -> pa.Table:
    """The table with the length and a column for each of the most frequent words in place of the texts."""
    rows, lengths = read
    few = min(LADDER_WORDS, len(measure.terms))
    present = rows[:, :few].toarray() > 0
    columns = [pa.array(lengths), *(pa.array(present[:, k]) for k in range(few))]
    rest = table.drop_columns([text])
    for field, column in zip(measure.fields, columns, strict=False):
        if field.name not in rest.column_names:
            rest = rest.append_column(field, column)
    return rest


def _judge(folder: str | os.PathLike[str] | None, text: str | None) -> PerplexityModel | None:
    """The model to judge texts by."""
    if folder is None:
        return None
    if text is None:
        raise UsageError("a perplexity model judges texts: name their column by text (--text COL)")
    from credenza.synthetic.perplexity import perplexity_model

    return perplexity_model(folder)


def _codes(checks: Sequence[str] | None) -> tuple[str, ...]:
    codes = CHECKS if checks is None else tuple(checks)
    if others := [code for code in codes if code not in CHECKS]:
        raise UsageError(f"{others[0]!r} is no check of synthetic batches: there are {', '.join(CHECKS)}")
    return codes


def _opened(synthetic: Any, reference: Any) -> tuple[Source, Source]:
    engine = get_engine("local", synthetic)
    known = open_reference(reference, engine)
    if known is None or isinstance(known, Profile):
        raise UsageError("a batch is compared with the reference's rows, found a profile: give the rows")
    own = engine.open(synthetic, role="batch")
    if known.rows < LEAST_REFERENCE:
        raise InputError(
            f"the reference {known.name} has {known.rows:,} rows; {LEAST_REFERENCE} or more are needed"
        )
    return own, known


def _shared_columns(
    own: Source, known: Source, columns: Sequence[str] | None, roles: dict[str, str | None]
) -> list[str]:
    """The columns to look at, in the reference's order; both sides have them."""
    wanted = list(dict.fromkeys(known.columns if columns is None else columns))
    asked = [name for name in roles.values() if name is not None]
    if len(set(asked)) < len(asked):
        raise UsageError(
            f"{' and '.join(roles)} both name {asked[0]!r}; give the texts a column of their own"
        )
    wanted += [name for name in asked if name not in wanted]
    if nowhere := [name for name in wanted if name not in {*own.columns, *known.columns}]:
        there = ", ".join(map(repr, known.columns))
        raise InputError(
            f"neither the batch nor the reference has a column {nowhere[0]!r}; the reference has {there}"
        )
    lacking = [name for name in wanted if name not in own.columns]
    unknown = [name for name in wanted if name not in known.columns]
    extra = [name for name in own.columns if name not in known.columns] if columns is None else []
    if lacking or extra or unknown:
        told = [f"lacks {', '.join(map(repr, lacking[:3]))}"] if lacking else []
        told += [f"adds {', '.join(map(repr, extra[:3]))}"] if extra else []
        told += [f"has {unknown[0]!r}, which the reference lacks"] if unknown and not told else []
        raise InputError(
            f"the batch {own.name} has other columns than the reference: it {' and '.join(told)}; "
            "make them the same, or name those that both have by --columns"
        )
    return wanted


def _forgiving(outcome: Outcome, rows: int) -> Outcome:
    """Culprits of CZ201 that are only weaker than in the reference become notices."""
    if outcome.code != "CZ201" or not outcome.culprits:
        return outcome
    lost = [culprit for culprit in outcome.culprits if weakened(culprit, rows)]
    findings = tuple(
        _softened(f) if any(f.subject == c.features for c in lost) else f for f in outcome.findings
    )
    kept = tuple(culprit for culprit in outcome.culprits if culprit not in lost)
    if not kept:
        findings = tuple(_softened(f) for f in findings)
    reason = f"{outcome.reason}; {len(lost)} of {len(outcome.culprits)} culprits are only weaker than in the reference"
    return replace(outcome, findings=findings, culprits=kept, reason=reason)


def weakened(culprit: Culprit, rows: int) -> bool:
    """Whether an association is between none and the reference's.

    By the MCC of the 2x2 table of the culprit's levels: of the reference's sign or within three standard errors of
    none, 3 / sqrt(rows), and no stronger than the reference's.
    """
    before, after = culprit.mcc
    along = after if before >= 0 else -after
    return -3.0 / math.sqrt(max(rows, 1)) <= along <= abs(before)


def _softened(finding: Finding) -> Finding:
    return replace(finding, severity=Severity.NOTICE)


def _features(evidence: Evidence) -> tuple[FeatureSummary, ...]:
    kept = [FeatureSummary(f.name, f.kind.value, f.size) for f in evidence.schema.features]
    return (*kept, *(FeatureSummary(name, "", 0, why) for name, why in evidence.schema.skipped))


def _summary(role: str, source: Source) -> InputSummary:
    return InputSummary(
        role, source.name, source.kind, source.rows, len(source.columns), source.fingerprint()
    )
