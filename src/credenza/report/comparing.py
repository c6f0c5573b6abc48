"""``credenza.compare``: checkpoints of one model on the same test rows, tested for jumps."""

from __future__ import annotations

import platform
import time
from collections.abc import Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

from credenza._version import __version__
from credenza.checks import Evidence, Settings
from credenza.checks.checkpoints.predictions import CompareOptions
from credenza.checks.checkpoints.reading import Columns, read_checkpoints
from credenza.checks.runner import chosen, run_checks
from credenza.contracts import AuditResult, InputSummary, Outcome, Severity, Status, Verdict
from credenza.data import Source, open_source
from credenza.errors import UsageError
from credenza.report.result import Audit

CODE = "CZ801"
LIBRARIES = ("numpy", "scipy", "pyarrow")


def compare(
    checkpoints: Sequence[Any],
    *,
    labels: str,
    data: Any = None,
    slices: str | None = None,
    pairs: Sequence[Sequence[str]] = (),
    predicted: str | None = None,
    probabilities: str = "probability_",
    rows: str | None = None,
    images: str | None = None,
    fdr: float = 0.05,
    min_change: float | None = None,
    seed: int = 0,
) -> Audit:
    """Did a checkpoint become worse on some class, slice or pair, all at once and unlike the rest?

    Parameters
    ----------
    checkpoints : two or more, in order of time: tables of predictions with a row for each test row (paths of Parquet,
        CSV, JSON Lines or Arrow files, or frames), or folders of saved models (a label network or an attribute
        classifier), which are run on the images of ``data``.
    labels : column of the true classes, in ``data``, or else in the first checkpoint's table.
    data : the test rows; needed for models, and where the tables hold predictions alone.
    slices : column by whose values rows are looked at apart, too.
    pairs : of columns whose association is followed; at least one of both is predicted by every checkpoint. The name
        of ``labels`` stands for the predicted class.
    predicted : column of the predicted classes; by default "predicted", "prediction", "predicted_label", "pred" or
        "y_pred", else the highest of the probabilities.
    probabilities : what the names of columns of probabilities begin with; the class follows.
    rows : column that names the rows, by which tables are put in one order; without it they are in the same order.
    images : column of the images that models are run on; the only one by default.
    fdr : false discovery rate over all units of all steps, in (0, 0.5].
    min_change : smaller changes pass, in [0, 1); by default 0.035.
    seed : of the bootstrap.

    Returns
    -------
    Audit : its outcome is that of CZ801; ``details`` of the outcome have the recall of each class by checkpoint.

    Raises
    ------
    UsageError : fewer than two checkpoints, a column that is not there. InputError : tables of different lengths or for
        different rows, classes that no test row has, missing values, probabilities out of range, a folder that holds
        no model. MissingExtraError : torch or Pillow is not installed, and a model is given.

    Notes
    -----
    All predictions are held in memory: 8 bytes a row, checkpoint and kind. Cost: linear in rows and checkpoints; k^2
    cells of k classes. Tests: :func:`credenza.checks.checkpoints.jumps.find_jumps`. Left out: comparing the first
    checkpoint with the last, since training itself moves classes apart over many steps.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> truth = np.repeat(["cat", "dog", "fox"], 100)
    >>> worse = np.where(np.arange(300) < 15, "fox", truth)
    >>> tables = [pa.table({"truth": truth, "predicted": p}) for p in (truth, worse)]
    >>> found = compare(tables, labels="truth")
    >>> found.verdict.value, [f.subject for f in found.outcomes[0].findings][0]
    ('flagged', ('cat', 'checkpoint 1 -> checkpoint 2'))
    """
    started = time.perf_counter()
    options = CompareOptions(fdr=fdr, min_change=min_change, seed=seed)
    columns = Columns(labels, slices, predicted, probabilities, rows, images, _pairs(pairs))
    known = None if data is None else open_source(data, role="test rows")
    given, origins = read_checkpoints(checkpoints, known, columns, options)
    suspect = known if known is not None else next(o for o in origins if isinstance(o, Source))
    evidence = Evidence(suspect, None, Settings(fdr=fdr, seed=seed))
    evidence.predictions = given
    outcomes, seconds = run_checks(evidence, chosen([CODE]))
    result = AuditResult(
        verdict=verdict_of(outcomes),
        outcomes=outcomes,
        culprits=(),
        pairs=None,
        features=(),
        inputs=(*_inputs(given.names, origins), *(() if known is None else (summary("test rows", known),))),
        settings=options.to_dict()
        | {"min_change": options.floor(), "labels": labels, "slices": slices}
        | {"pairs": [list(pair) for pair in columns.pairs], "rows": rows},
        versions={"credenza": __version__, "python": platform.python_version()}
        | {name: version(name) for name in LIBRARIES},
        timing=seconds | {"total": time.perf_counter() - started},
    )
    return Audit(result)


def verdict_of(outcomes: Sequence[Outcome]) -> Verdict:
    """Flagged on any alarm, clear when all ran, else inconclusive."""
    if any(f.severity is Severity.ALARM for o in outcomes for f in o.findings):
        return Verdict.FLAGGED
    ran = all(o.status in (Status.CLEAR, Status.FLAGGED) for o in outcomes)
    return Verdict.CLEAR if ran and outcomes else Verdict.INCONCLUSIVE


def summary(role: str, source: Source) -> InputSummary:
    """One input, as found."""
    return InputSummary(
        role, source.name, source.kind, source.rows, len(source.columns), source.fingerprint()
    )


def _inputs(names: Sequence[str], origins: Sequence[Source | Path]) -> tuple[InputSummary, ...]:
    return tuple(
        summary(f"checkpoint {k}", origin)
        if isinstance(origin, Source)
        else InputSummary(f"checkpoint {k}", str(origin), "model", None, None, model_sha256(origin))
        for k, origin in enumerate(origins, 1)
    )


def model_sha256(folder: Path) -> str:
    """SHA-256 of the names and bytes of a model folder's files, in the order of their names."""
    digest = sha256()
    for path in sorted(folder.expanduser().iterdir()):
        if path.is_file():
            digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _pairs(pairs: Sequence[Sequence[str]]) -> tuple[tuple[str, str], ...]:
    if isinstance(pairs, str):
        raise UsageError(f"pairs is the text {pairs!r}: give a list of pairs of columns")
    for pair in pairs:
        if isinstance(pair, str) or len(pair) != 2:
            raise UsageError(f"a pair is two columns: found {pair!r}")
    return tuple((pair[0], pair[1]) for pair in pairs)
