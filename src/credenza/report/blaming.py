"""Leave one contributor out: a small model is trained without each of them, and asked about trusted rows."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

from numpy.typing import NDArray

from credenza._version import __version__
from credenza.checks import Evidence, Settings
from credenza.checks.checkpoints.columns import codes_of, levels_of, texts_of
from credenza.checks.checkpoints.models import image_column, read_pixels
from credenza.checks.contributors.blame import LEAST_TEST
from credenza.checks.contributors.trainers import Trainer, trainer
from credenza.checks.contributors.trials import Task, run_trials
from credenza.checks.runner import chosen, run_checks
from credenza.contracts import AuditResult
from credenza.data import Source, open_source
from credenza.errors import InputError, UsageError
from credenza.report.comparing import LIBRARIES, summary, verdict_of
from credenza.report.result import Audit

CODE = "CZ802"
PARTS = {"logistic": 30, "boosting": 20, "images": 0}
SIDE = 32  # pixels of the images


def leave_one_out(
    train: Any,
    *,
    slices: str,
    labels: str,
    test: Any,
    columns: Sequence[str] | None = None,
    model: str | Trainer = "logistic",
    parts: int | None = None,
    images: str | None = None,
    fdr: float = 0.05,
    seed: int = 0,
) -> Audit:
    """Is there a contributor without whose rows a small model does better on trusted test rows?

    Parameters
    ----------
    train : training rows, anything :func:`credenza.audit` takes. slices : column of the contributors.
    labels : column of the classes. test : trusted rows with the same columns; those of contributors may be missing.
    columns : to learn from; all but labels and slices by default.
    model : "logistic" (regression on the encoded table), "boosting" (trees on the same; needs scikit-learn), "images"
        (a small network; needs torch), or a function of rows (n, d), labels (n,), test rows (m, d) and the number of
        classes k that gives probabilities (m, k).
    parts : random parts, as large as the contributors, that are left out to see what is usual; by default 30
        ("logistic"), 20 ("boosting", a function) or none ("images").
    images : column of the images, for that model; the only one by default.
    fdr : false discovery rate over contributors and classes, in (0, 0.5]. seed : of the parts, trees and networks.

    Returns
    -------
    Audit : its outcome is that of CZ802, with a finding for each contributor who stands out, strongest first.

    Raises
    ------
    UsageError : fewer than two contributors of 20 rows, an unknown column or model. InputError : a test row of a class
        that nobody trains, columns that the test rows lack. MissingExtraError : scikit-learn or torch is missing.

    Notes
    -----
    Cost: 1 + contributors + parts trainings; a logistic regression of 10,000 rows and 66 encoded columns takes about
    0.2 s, a network of 5,000 images of 32 x 32 about 20 s. Both tables are held in memory as numbers. Tests:
    :func:`credenza.checks.contributors.blame.blame`. Left out: Shapley values, which need many more trainings and
    answer how to share credit; influence functions, which answer for single rows.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(2_400, 2))
    >>> ill, who = x[:, 0] + 0.5 * rng.normal(size=2_400) > 0, np.repeat([*"abcdef"], 400)
    >>> flipped = np.where((who == "d") & (rng.random(2_400) < 0.4), ~ill, ill)
    >>> table = pa.table({"x": x[:, 0], "y": x[:, 1], "who": who, "ill": flipped})
    >>> clean = rng.normal(size=(1_000, 2))
    >>> test = pa.table({"x": clean[:, 0], "y": clean[:, 1], "ill": clean[:, 0] + 0.5 * rng.normal(size=1_000) > 0})
    >>> found = leave_one_out(table, slices="who", labels="ill", test=test, parts=12)
    >>> [finding.subject[0] for finding in found.outcomes[0].findings]
    ['d']
    """
    started = time.perf_counter()
    settings = Settings(fdr=fdr, seed=seed)
    name = model if isinstance(model, str) else getattr(model, "__name__", "given")
    many = PARTS.get(name, 20) if parts is None else parts
    if isinstance(many, bool) or not isinstance(many, int) or not 0 <= many <= 10_000:
        raise UsageError(f"parts is {parts!r}: give a whole number from 0 to 10,000")
    learn = trainer(model, seed=seed)
    source, trusted = open_source(train, role="training rows"), open_source(test, role="test rows")
    task = _task(source, trusted, slices, labels, columns, name == "images", images)
    evidence = Evidence(source, None, settings)
    evidence.trials = run_trials(task, learn, parts=many, seed=seed, fdr=fdr, model=name)
    outcomes, seconds = run_checks(evidence, chosen([CODE]))
    result = AuditResult(
        verdict=verdict_of(outcomes),
        outcomes=outcomes,
        culprits=(),
        pairs=None,
        features=(),
        inputs=(summary("training rows", source), summary("test rows", trusted)),
        settings={
            "fdr": fdr, "slices": slices, "labels": labels, "columns": None if columns is None else list(columns),
            "model": name, "parts": many, "seed": seed,
        },
        versions={"credenza": __version__, "python": platform.python_version()}
        | {library: version(library) for library in LIBRARIES},
        timing=seconds | {"total": time.perf_counter() - started},
    )  # fmt: skip
    return Audit(result)


def _task(
    source: Source,
    trusted: Source,
    slices: str,
    labels: str,
    columns: Sequence[str] | None,
    of_images: bool,
    images: str | None,
) -> Task:
    """Both tables as numbers and codes."""
    if slices == labels:
        raise UsageError(f"--slices and --labels both name {slices!r}: give two columns")
    contributors, owners = levels_of(texts_of(source, slices, "--slices", fill="(missing)"))
    classes, codes = levels_of(texts_of(source, labels, "--labels"))
    if len(classes) < 2:
        raise InputError(f"the labels column {labels!r} of {source.name} has one class; give two or more")
    truth, strange = codes_of(texts_of(trusted, labels, "--labels"), classes)
    if strange:
        raise InputError(f"{trusted.name} has rows of the class {strange!r}, which no training row has")
    if len(truth) < LEAST_TEST:
        raise InputError(
            f"{trusted.name} has {len(truth):,} rows; {LEAST_TEST} trusted test rows or more tell who harms"
        )
    rows, test = (
        _pictures(source, trusted, images)
        if of_images
        else _numbers(source, trusted, (slices, labels), columns)
    )
    return Task(rows, codes, owners, test, truth, classes, contributors, slices)


def _numbers(
    source: Source, trusted: Source, without: tuple[str, str], columns: Sequence[str] | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    from credenza.models.embedding.table import TableMaker

    for column in columns or ():
        if column not in source.columns:
            shown = ", ".join(map(repr, source.columns[:6]))
            raise UsageError(f"--columns names {column!r}, which {source.name} does not have: it has {shown}")
    maker = TableMaker(source, without=without, columns=columns)
    return maker.first().values, maker.another(trusted).values


def _pictures(source: Source, trusted: Source, images: str | None) -> tuple[NDArray[Any], NDArray[Any]]:
    shape = (SIDE, SIDE, 3)
    own, other = (read_pixels(given, images or image_column(given), shape) for given in (source, trusted))
    return own, other
