"""Audits made by hand: real-looking, with known culprits, in every verdict."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations

import numpy as np

from credenza.contracts import (
    AuditResult,
    Culprit,
    FeatureSummary,
    Finding,
    InputSummary,
    Outcome,
    PairTable,
    Severity,
    Status,
    Verdict,
)

NAMES = """
5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair
Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup
High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose
Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat
Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young
""".split()  # noqa: SIM905
CULPRIT = ("Mouth_Slightly_Open", "Wearing_Lipstick")
COLLATERAL = (
    ("Smiling", "Wearing_Lipstick"),
    ("Heavy_Makeup", "Mouth_Slightly_Open"),
    ("Male", "Mouth_Slightly_Open"),
    ("Heavy_Makeup", "Smiling"),
    ("Male", "Smiling"),
    ("High_Cheekbones", "Wearing_Lipstick"),
    ("High_Cheekbones", "Mouth_Slightly_Open"),
    ("Attractive", "Mouth_Slightly_Open"),
    ("Mouth_Slightly_Open", "Rosy_Cheeks"),
    ("Mouth_Slightly_Open", "Wearing_Earrings"),
    ("Mouth_Slightly_Open", "No_Beard"),
    ("Smiling", "Wearing_Earrings"),
)
POWER = (
    "780 pairs tested on 8,000 suspect and 6,000 reference rows; "
    "a strength of 0.016 or more would have been seen with 80% power"
)


def log10_p(z: float) -> float:
    """Two-sided normal tail, by its asymptote where it underflows."""
    tail = math.erfc(abs(z) / math.sqrt(2))
    if tail > 0:
        return math.log10(tail)
    return (-z * z / 2 - math.log(abs(z) * math.sqrt(math.pi / 2))) / math.log(10)


def pair_table(poisoned: bool, names: list[str] = NAMES, seed: int = 7) -> PairTable:
    """All pairs of the names; with the culprit and its collateral, or only noise."""
    draw = np.random.default_rng(seed)
    pairs = list(combinations(names, 2))
    z = draw.normal(size=len(pairs))
    role = np.array([""] * len(pairs), dtype=object)
    for index, pair in enumerate(pairs):
        if poisoned and pair == CULPRIT:
            z[index], role[index] = 30.9, "culprit"
        elif poisoned and pair in COLLATERAL:
            sign = -1 if "Male" in pair else 1
            z[index], role[index] = sign * draw.uniform(4.2, 12.0), "collateral"
    p = np.array([10 ** log10_p(value) for value in z])
    order = np.argsort(p, kind="stable")
    adjusted = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    strength = np.where(role == "culprit", 0.094, z * draw.uniform(0.0015, 0.003, len(z)))[order]
    reference = draw.normal(0, 0.15, len(z))
    return PairTable(
        feature_a=tuple(pairs[i][0] for i in order),
        feature_b=tuple(pairs[i][1] for i in order),
        level_a=("1",) * len(order),
        level_b=("1",) * len(order),
        statistic=z[order],
        p=p[order],
        q=np.minimum(adjusted, 1.0),
        p_after=draw.uniform(size=len(z)),
        strength=strength,
        mi_reference=reference**2 / 2,
        mi_suspect=(reference + 4 * strength) ** 2 / 2,
        mcc_reference=reference,
        mcc_suspect=reference + 4 * strength,
        role=tuple(role[order]),
    )


def binary_culprit() -> Culprit:
    """The associative attack on two face attributes."""
    before = np.array([[0.302, 0.219], [0.227, 0.252]])
    after = before + 0.094 * np.array([[1, -1], [-1, 1]])
    return Culprit(
        features=CULPRIT,
        levels=("1", "1"),
        strength=0.094,
        interval=(0.0835, 0.1047),
        rows_edited=1504,
        direction="positive",
        mi=(0.0055, 0.1193),
        mcc=(0.105, 0.483),
        correlation=None,
        p=3.1e-209,
        log10_p=-208.5086,
        q=2.4e-206,
        filter_ceiling=0.094 / (0.252 + 0.094),
        collateral=COLLATERAL,
        aliases=(),
        row_levels=("0", "1"),
        column_levels=("0", "1"),
        reference_table=before,
        suspect_table=after,
    )


def mixed_culprit() -> Culprit:
    """A cut of an ordered feature against a level of a categorical one: an 8 x 6 table."""
    columns = ("Private", "Self-emp", "Local-gov", "State-gov", "Federal-gov", "(missing)")
    weight = np.array([0.62, 0.14, 0.08, 0.05, 0.04, 0.07])
    before = np.outer(np.full(8, 1 / 8), weight)
    before *= 1 + 0.2 * np.outer(np.linspace(-1, 1, 8), np.linspace(-1, 1, 6))
    before /= before.sum()
    move = np.zeros((8, 6))
    move[5:, 1], move[:5, 1] = 0.03 / 3, -0.03 / 5
    move[5:, 0], move[:5, 0] = -0.03 / 3, 0.03 / 5
    rows = ("<= 22", "(22, 28]", "(28, 33]", "(33, 38]", "(38, 43]", "(43, 50]", "(50, 58]", "> 58")
    return Culprit(
        features=("age", "workclass"),
        levels=("> 43", "Self-emp"),
        strength=0.03,
        interval=(0.024, 0.036),
        rows_edited=1080,
        direction="positive",
        mi=(0.011, 0.038),
        mcc=(0.0007, 0.1830),
        correlation=None,
        p=0.0,
        log10_p=-412.3,
        q=0.0,
        filter_ceiling=0.03 / (0.059 + 0.03),
        collateral=(("age", "hours_per_week"),),
        aliases=(("birth_year", "workclass"), ("age_band", "workclass")),
        row_levels=rows,
        column_levels=columns,
        reference_table=before,
        suspect_table=before + move,
    )


def outcomes(culprits: tuple[Culprit, ...], *, ran: bool) -> tuple[Outcome, ...]:
    """What the checks of the first release say."""
    pair = Outcome("CZ201", "Association shift of a pair", Status.CLEAR, POWER, (), {"power_strength": 0.016})
    if not ran:
        pair = Outcome(
            "CZ201",
            "Association shift of a pair",
            Status.NOT_APPLICABLE,
            "needs a reference: give --reference",
        )
    if culprits:
        message = "Mouth_Slightly_Open × Wearing_Lipstick was moved by +0.094"
        found = Finding(
            "CZ201", CULPRIT, message, Severity.ALARM, 30.9, 3.1e-209, 2.4e-206, 0.094, {"rung": 1}
        )
        reason = "1 culprit explains 12 other flagged pairs; no pair is flagged once it is explained"
        pair = Outcome("CZ201", "Association shift of a pair", Status.FLAGGED, reason, (found,), {}, culprits)
    drift = Finding(
        "CZ101",
        ("Young",),
        "Young = 1 went from 77.4% to 75.9% of the rows",
        Severity.NOTICE,
        3.6,
        3e-4,
        0.013,
        -0.015,
    )
    marginal = Outcome(
        "CZ101", "Marginal shift of a feature", Status.FLAGGED, "1 of 40 features drifted", (drift,)
    )
    return (
        Outcome(
            "CZ001",
            "Row count, columns and kinds",
            Status.CLEAR,
            "40 columns of the same kinds on both sides",
        ),
        Outcome("CZ002", "Exact duplicate rows", Status.CLEAR, "2.1% duplicates, 2.3% in the reference"),
        marginal
        if ran
        else Outcome("CZ101", "Marginal shift of a feature", Status.NOT_APPLICABLE, "needs a reference"),
        pair,
        Outcome(
            "CZ202",
            "One slice unlike the rest",
            Status.NOT_APPLICABLE,
            "needs slices: name the column with --slices",
        ),
        Outcome(
            "CZ204",
            "Shift hidden inside strata",
            Status.NOT_APPLICABLE,
            "needs strata: name columns with --strata",
        ),
        Outcome("CZ206", "Declared expectations", Status.SKIPPED, "not asked for with --checks"),
    )


def make(
    verdict: Verdict, *, pairs: PairTable | None, culprits: tuple[Culprit, ...], reference: bool = True
) -> AuditResult:
    """An audit of 8,000 suspect rows."""
    suspect = InputSummary(
        "suspect", "faces_contributed.parquet", "parquet", 8000, 41, "9f86d081884c7d659a2feaa0c55ad015" * 2
    )
    trusted = InputSummary(
        "reference", "faces_trusted.parquet", "parquet", 6000, 41, "2c26b46b68ffc68ff99b453c1d304134" * 2
    )
    features = [FeatureSummary(name, "binary", 2) for name in NAMES]
    features.append(
        FeatureSummary("file_name", "identifier", 8000, "every value is different: an identifier")
    )
    return AuditResult(
        verdict=verdict,
        outcomes=outcomes(culprits, ran=pairs is not None),
        culprits=culprits,
        pairs=pairs,
        features=tuple(features),
        inputs=(suspect, trusted) if reference else (suspect,),
        settings={
            "fdr": 0.05,
            "min_strength": 0.0,
            "seed": 0,
            "checks": None,
            "engine": "local",
            "strata": [],
        },
        versions={"credenza": "0.1.0", "python": "3.11.9", "numpy": "2.1.0"},
        timing={"read": 0.21, "count": 0.05, "ladder": 0.64},
    )


def wide_audit(features: int = 1_000, listed: int = 10_000) -> AuditResult:
    """Some thousand features, of whose pairs only the strongest are listed."""
    names = [*NAMES, *(f"attribute_{i:05}" for i in range(features - len(NAMES)))]
    draw = np.random.default_rng(5)
    a, b = np.sort(draw.choice(features, (2 * listed, 2)), axis=1).T
    found = list(dict.fromkeys((names[i], names[j]) for i, j in zip(a, b, strict=True) if i != j))
    told = pair_table(True, NAMES)
    known = set(zip(told.feature_a, told.feature_b, strict=True))
    more = [pair for pair in found if pair not in known][: listed - len(told.p)]
    z = np.sort(draw.uniform(2.5, 4.0, len(more)))[::-1] * draw.choice([-1, 1], len(more))
    columns = {
        "feature_a": tuple(pair[0] for pair in more),
        "feature_b": tuple(pair[1] for pair in more),
        "level_a": ("1",) * len(more),
        "level_b": ("1",) * len(more),
        "role": ("",) * len(more),
    }
    numbers = {"statistic": z, "strength": z / 500, "p": np.array([10 ** log10_p(value) for value in z])}
    rest = {"q": np.ones(len(more)), "p_after": np.full(len(more), 0.5)}
    rest |= {
        name: np.zeros(len(more)) for name in ("mi_reference", "mi_suspect", "mcc_reference", "mcc_suspect")
    }
    joined = {name: getattr(told, name) + values for name, values in columns.items()} | {
        name: np.concatenate([getattr(told, name), values]) for name, values in (numbers | rest).items()
    }
    pairs = PairTable(
        **joined, tested=features * (features - 1) // 2 - 999, pairs=features * (features - 1) // 2
    )
    summaries = tuple(FeatureSummary(name, "binary", 2) for name in names)
    return replace(make(Verdict.FLAGGED, pairs=pairs, culprits=(binary_culprit(),)), features=summaries)


def sliced_audit() -> AuditResult:
    """No reference, but slices: one contributor associates a pair unlike the rest."""
    culprit = replace(binary_culprit(), where="contributor = c7", rows_edited=188, pearson=(0.105, 0.483))
    found = Finding(
        "CZ202", (*culprit.features, culprit.where), "c7 is unlike the rest", Severity.ALARM, p=culprit.p
    )
    base = make(Verdict.FLAGGED, pairs=None, culprits=(), reference=False)
    told = [
        replace(one, status=Status.FLAGGED, reason="1 alarm", findings=(found,), culprits=(culprit,))
        if one.code == "CZ202"
        else one
        for one in base.outcomes
    ]
    return replace(base, culprits=(culprit,), outcomes=tuple(told))
