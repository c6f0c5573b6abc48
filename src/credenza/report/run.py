"""``credenza.audit``: open the inputs, run the checks, put the result together."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from credenza._version import __version__
from credenza.association.profile import SUFFIX, Profile
from credenza.checks import Evidence, Settings
from credenza.checks.baseline import Baseline
from credenza.checks.custody import Custody
from credenza.checks.pair_table import pair_table
from credenza.checks.policy_file import Policy, read_policy
from credenza.checks.runner import chosen, run_checks
from credenza.checks.samples.beside import SampleInputs
from credenza.checks.samples.combine import summarise_rows
from credenza.contracts import (
    AuditResult,
    Culprit,
    FeatureSummary,
    InputSummary,
    Status,
)
from credenza.data import Source
from credenza.data.matrix import Matrix
from credenza.engines import Engine, get_engine
from credenza.errors import UsageError
from credenza.models.embedding.make import Request
from credenza.provenance.reference import manifest_path
from credenza.report.result import Audit
from credenza.report.scope import lacking_features, named, of_files, of_rows, verdict, with_skipped

LIBRARIES = ("numpy", "scipy", "numba", "pyarrow", "duckdb")
CONTENT_READ = "CZ004"
NOTHING_ADDED = "no row was added to those that were signed"


def audit(
    suspect: Any,
    reference: Any = None,
    *,
    slices: str | None = None,
    strata: Sequence[str] = (),
    columns: Sequence[str] | None = None,
    policy: Any = None,
    triples: Sequence[str] | None = None,
    labels: str | None = None,
    embeddings: Any = None,
    losses: Any = None,
    reference_embeddings: Any = None,
    embed: str | os.PathLike[str] | None = None,
    embed_column: str | None = None,
    cache: str | os.PathLike[str] | None = None,
    skip_unreadable: bool = False,
    manifest: Any = None,
    key: Any = None,
    added_only: bool = False,
    model: Any = None,
    generated: Any = None,
    checks: Sequence[str] | None = None,
    fdr: float = 0.05,
    min_strength: float = 0.0,
    correction: str = "bh",
    seed: int = 0,
    engine: str | Engine | None = None,
) -> Audit:
    """Audit a table for moved associations, and with labels or embeddings its single rows too.

    Parameters
    ----------
    suspect : path, glob or folder of Parquet, CSV, JSON Lines or Arrow files; or a pandas, Polars or Arrow table, or a
        DuckDB relation.
    reference : trusted data of the same kind, a :class:`credenza.Profile`, the path of one (.czp), or the path of a
        signed manifest (``.credenza`` or a copy of it), whose data need not be there any more. Without it, only what
        needs none is checked.
    slices : column that names each row's provenance (contributor, batch, shard).
    strata : columns whose combinations of values are looked at one by one.
    columns : audit these columns only.
    policy : TOML file of declared expectations.
    triples : columns to look at in threes (CZ301), three or more; "all" for all of them, up to 60.
    labels : column of the suspect that holds each row's class.
    embeddings : content of each row of the suspect as numbers, in the order of the rows: an array (n, d), the path of a
        .npy file (mapped, not read) or of a table, a table, or a callable that makes one of these of the opened suspect
        (and of the reference).
    losses : training loss of each row, or one for each epoch: (n,) or (n, epochs), in the same forms.
    reference_embeddings : the same content of the reference's rows, for rates to compare with.
    embed : make embeddings here instead, and the reference's alike: "images" by a network that learns the labels (its
        losses serve CZ402), "text" by weighted words, "table" by the encoded columns, "auto" by what there is; or by
        the path of a model, TorchScript or ONNX, or a folder of a model saved by credenza or sentence-transformers.
    embed_column : the column of images or texts; the only one by default.
    cache : folder where what was embedded is kept, by a digest of all that decides it.
    skip_unreadable : contents that cannot be read are a notice of CZ004; they make it fail by default. Either way their
        rows have no embedding and no scores of it.
    manifest : the signed manifest of the suspect, which is a path; or the folder that the manifest is in, or that was
        signed. key : public key that is trusted to sign it, and the reference's; without one no signature is checked.
    added_only : audit the rows alone that are not among those of the reference, which is a signed manifest and holds
        hashes of its rows. They are counted from the first one that is audited, and what lies beside them (embeddings,
        losses) is of them alone.
    model : a diffusion model of the suspect's classes (in the order of their sorted names), the suspect being the
        images that it learnt from: the folder of a :class:`credenza.models.DDPM` or of a diffusers pipeline (CZ501).
    generated : a generator's images with their classes, in the suspect's form (CZ502).
    checks : codes of the checks to run; all that apply by default.
    fdr : false discovery rate, in (0, 0.5].
    min_strength : shifts not significantly larger than this pass, in [0, 0.5).
    correction : "bh", "by" (any dependence), or "permutation" (a permutation gate before "bh").
    seed : of everything random.
    engine : where rows are read and pairs counted: "local", "spark", "cuda" or an engine of
        :mod:`credenza.engines`; by default Spark for a Spark frame, else local. The counts are the same, to the bit.

    Returns
    -------
    Audit

    Raises
    ------
    InputError : data that cannot be read, here or on a worker, or has nothing to audit. UsageError : a bad argument.
    MissingExtraError : the engine needs what is not installed.

    Notes
    -----
    Two passes over each side, one where all columns are boolean and none has gaps; one more over the columns in play
    when something moved. Memory does not grow with the rows, unless the permutation gate asks for all of them: about
    K^2 / 2 integers a side for K levels in all, and the row keys of CZ002. Sources: ``docs/checks.md``.

    Examples
    --------
    >>> import pyarrow as pa
    >>> clean = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 1, 0, 1] * 500})
    >>> moved = pa.table({"hat": [0, 0, 1, 1] * 500, "smile": [0, 0, 1, 1, 0, 1, 0, 1] * 250})
    >>> found = audit(moved, clean)
    >>> found.verdict.value, found.result.culprits[0].features
    ('flagged', ('hat', 'smile'))
    """
    started = time.perf_counter()
    settings = Settings(fdr=fdr, min_strength=min_strength, correction=correction, seed=seed)
    making = _request(embed, embed_column, cache, skip_unreadable, labels, slices, columns)
    selection = chosen(checks if checks is None or making is None else (*checks, CONTENT_READ))
    counting = get_engine(engine, suspect)
    whole = counting.open(suspect, role="suspect")
    custody = _custody(whole, manifest, key, reference)
    baseline, source = _baseline(whole, reference, key, added_only)
    evidence = Evidence(
        source,
        baseline.signed.profile if baseline else open_reference(reference, counting),
        settings,
        columns=columns,
        slices=slices,
        strata=_strata(strata),
        policy=read_policy(policy) if policy is not None and not isinstance(policy, Policy) else policy,
        triples=triples,
        beside=SampleInputs(labels, embeddings, losses, reference_embeddings, making, skip_unreadable),
        engine=counting,
    )
    evidence.custody, evidence.baseline = custody, baseline
    evidence.model, evidence.generated = model, generated
    nothing = NOTHING_ADDED if not source.rows else ""
    beside = evidence.beside.read() if not nothing else ()
    lacking = nothing or lacking_features(evidence)
    left = [c for c in selection if not lacking or (of_files(c) if nothing else of_rows(c))]
    outcomes, seconds = run_checks(evidence, left)
    outcomes = with_skipped(outcomes, selection, lacking)
    together = summarise_rows(outcomes, evidence.beside.labels, evidence.beside.rows)
    outcomes = tuple(evidence.beside.spread(outcome) for outcome in outcomes)
    culprits = tuple(c for outcome in outcomes for c in outcome.culprits)
    ran = {o.code for o in outcomes if o.status in (Status.FLAGGED, Status.CLEAR)}
    ladder_ran = "CZ201" in ran
    result = AuditResult(
        verdict=verdict(outcomes, pairs=not lacking),
        outcomes=outcomes,
        culprits=_strongest_first(culprits),
        pairs=pair_table(evidence.inquiry) if ladder_ran else None,
        features=_features(evidence),
        inputs=(*_inputs(evidence), *(_beside(role, matrix) for role, matrix in beside)),
        settings=settings.to_dict()
        | {"slices": slices, "strata": list(evidence.strata), "checks": [c.code for c in selection]}
        | {
            "labels": labels,
            "embed": None if embed is None else str(embed),
            "embed_column": embed_column,
            "skip_unreadable": skip_unreadable,
            "added_only": added_only,
            "model": named(model),
            "generated": named(generated),
            "triples": list(t) if isinstance(t := evidence.triples, tuple) else t,
            "engine": counting.name,
        },
        versions={"credenza": __version__, "python": platform.python_version()}
        | {n: version(n) for n in LIBRARIES},
        timing=seconds | {"total": time.perf_counter() - started},
        rows=together,
    )
    weights = evidence.row_weights if ladder_ran else None
    return Audit(result, frame_like=_frame_like(source), row_weights=weights)


def open_reference(reference: Any, engine: Engine) -> Source | Profile | None:
    """A source, or a profile when that is what was given."""
    if reference is None or isinstance(reference, Profile):
        return reference
    if isinstance(reference, str | Path) and str(reference).endswith(SUFFIX):
        return Profile.load(reference)
    return engine.open(reference, role="reference")


def _request(
    embed: str | os.PathLike[str] | None,
    column: str | None,
    cache: str | os.PathLike[str] | None,
    skip: bool,
    labels: str | None,
    slices: str | None,
    columns: Sequence[str] | None,
) -> Request | None:
    """Which embeddings are to be made; refuses options that say how without saying that."""
    if embed is None:
        told = {"--embed-column": column, "--cache": cache, "--skip-unreadable": skip}
        for option in (name for name, value in told.items() if value):
            raise UsageError(f"{option} says how embeddings are made, and none are: give --embed auto too")
        return None
    without = tuple(name for name in (labels, slices) if name is not None)
    return Request(embed, column, cache, without, None if columns is None else tuple(columns))


def _custody(source: Source, manifest: Any, key: Any, reference: Any) -> Custody | None:
    if manifest is not None:
        return Custody.of(source, manifest, key)
    if key is not None and manifest_path(reference) is None:
        raise UsageError("a key was given without the manifest that it signed: give both, or neither")
    return None


def _baseline(suspect: Source, reference: Any, key: Any, added_only: bool) -> tuple[Baseline | None, Source]:
    """The reference where it is a signed manifest, and the rows of the suspect to audit."""
    baseline = Baseline.of(reference, key)
    if not added_only:
        return baseline, suspect
    if baseline is None:
        given = (
            "none was given"
            if reference is None
            else f"found {reference if isinstance(reference, str) else 'data'}"
        )
        raise UsageError(
            f"which rows were added shows against a signed manifest, and {given}: give .credenza as the reference"
        )
    if suspect.kind == "spark":
        raise UsageError("rows that were added are told on one machine: use the engine 'local'")
    return baseline.added_to(suspect)


def _strata(strata: Sequence[str]) -> tuple[str, ...]:
    if isinstance(strata, str):
        raise UsageError(f"strata is the text {strata!r}: give a list of column names, such as [{strata!r}]")
    return tuple(dict.fromkeys(strata))


def _strongest_first(culprits: tuple[Culprit, ...]) -> tuple[Culprit, ...]:
    return tuple(sorted(culprits, key=lambda c: c.log10_p))


def _features(evidence: Evidence) -> tuple[FeatureSummary, ...]:
    kept = [FeatureSummary(f.name, f.kind.value, f.size) for f in evidence.schema.features]
    left = [FeatureSummary(name, "", 0, reason) for name, reason in evidence.schema.skipped]
    if evidence.slices is not None:
        left.append(FeatureSummary(evidence.slices, "", 0, "names the slices"))
    return (*kept, *left)


def _inputs(evidence: Evidence) -> tuple[InputSummary, ...]:
    rows = [_summary("suspect", evidence.suspect)]
    reference = evidence.reference
    if isinstance(reference, Profile):
        schema = reference.schema
        columns = len(schema.features) + len(schema.skipped)
        rows.append(
            InputSummary(
                "reference", reference.source, "profile", reference.rows, columns, reference.sha256 or None
            )
        )
    elif reference is not None:
        rows.append(_summary("reference", reference))
    if evidence.policy is not None:
        rows.append(
            InputSummary("policy", evidence.policy.source, "toml", None, None, evidence.policy.sha256)
        )
    return tuple(rows)


def _summary(role: str, source: Source) -> InputSummary:
    return InputSummary(
        role, source.name, source.kind, source.rows, len(source.columns), source.fingerprint()
    )


def _beside(role: str, matrix: Matrix) -> InputSummary:
    rows, columns = matrix.values.shape
    return InputSummary(role, matrix.name, matrix.kind, rows, columns, matrix.fingerprint())


def _frame_like(source: Source) -> Callable[[Any], Any]:
    """Frames come back as the kind of object that the suspect was; a DuckDB relation or a path gives Arrow."""
    return source.like if source.kind in ("pandas", "polars", "pyarrow") else lambda table: table
