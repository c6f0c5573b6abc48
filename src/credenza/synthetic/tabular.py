"""Rows of a table from a generator that was fitted to trusted rows, private where that is asked for."""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from credenza.data import Source, open_source
from credenza.errors import InputError, UsageError
from credenza.models import tabular as models
from credenza.models.base import require_seed
from credenza.provenance import Artifact, Record, artifact_of
from credenza.synthetic.base import Synthetic, require_count
from credenza.synthetic.written import require_writable, written

LEAST_REFERENCE = 50  # rows
PRIVATE = {"chow-liu": "PrivateChowLiu", "diffusion": "PrivateDiffusion"}
GENERATORS = {"chow-liu": "ChowLiu", "copula": "GaussianCopula", "diffusion": "TabularDiffusion"}
# Arguments of the classes that are said in other words here.
_OWN = ("self", "epsilon", "delta", "public")

TRUSTED = "the reference was taken as trusted: poison in it, or a bias, is in these rows too"
PROTECTED = (
    "epsilon bounds what the rows tell of any one row of the reference, in all samples of this fit together; it does "
    "not hide what holds for many rows, does not stop poisoning, and covers neither this record, which tells the "
    "reference's hash and number of rows, nor other fits to the same rows, whose epsilons add up"
)
REPEATABLE = "the noise has a seed that was given: who knows it can take the noise off"
READ_LEVELS = (
    "which values there are was read from the reference without noise; give a public table for levels that epsilon "
    "covers"
)


@dataclass(frozen=True)
class TabularRows(Synthetic):
    """Rows of a fitted generator, with the columns and types of what it was fitted to.

    Attributes
    ----------
    inputs : the tables that were read, with hashes.
    privacy : what was spent of which budget, see
        :attr:`~credenza.models.tabular.private_chow_liu.PrivateChowLiu.account`; None of a generator without.
    """

    inputs: tuple[Artifact, ...] = ()
    privacy: Mapping[str, Any] | None = None
    outputs: tuple[Artifact, ...] = ()

    def record(self) -> Record:
        """The step of the lineage."""
        facts = {"rows": self.rows, "synthetic_share": 1.0, "privacy": self.privacy}
        return Record("synth tabular", self.inputs, self.outputs, self.settings, facts, self.notes)


def tabular_rows(
    reference: Any,
    rows: int,
    *,
    generator: str = "chow-liu",
    columns: Sequence[str] | None = None,
    epsilon: float | None = None,
    delta: float = 0.0,
    public: Any = None,
    suspect: Any = None,
    by: str | None = None,
    settings: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> TabularRows:
    """Fit a generator to trusted rows and draw new ones, with the same columns and types.

    Parameters
    ----------
    reference : trusted rows, 50 or more; anything :func:`credenza.data.open_source` takes.
    rows : to make, 1 or more.
    generator : "chow-liu" (a tree of the pairs with most mutual information: quick, keeps m - 1 pairs), "copula" (one
        number a pair), or "diffusion" (a network, the most exact; needs torch, and about a minute).
    columns : of the reference; all by default. Identifiers and free text cannot be made up: leave them out.
    epsilon, delta : budget of differential privacy, for chow-liu, and for diffusion (delta above 0; needs opacus); None
        for no privacy.
    public : a table that is not private, from which levels and values are taken instead of the reference.
    suspect : the data that is to be diluted; refused where it is the reference itself.
    by : a column, best the label that a model is to learn: a generator is fitted to the rows of each of its values, see
        :class:`~credenza.models.tabular.by_class.ByClass`. Not with epsilon.
    settings : other arguments of the generator's class, such as ``{"bins": 8}``.
    seed : of the fit and the draw; but not of the noise of privacy, which nobody may repeat.

    Returns
    -------
    TabularRows : data, settings, notes, inputs, and what privacy cost.

    Raises
    ------
    InputError : a reference of fewer than 50 rows, or of columns that cannot be generated; a column to fit by that does
        not have two values of 50 rows or more.
    UsageError : an unknown generator or setting, a number out of range, epsilon with a generator that has no privacy
        or with a column to fit by, a column to fit by that is not made, or the reference is the suspect.
    MissingExtraError : diffusion without torch.

    Notes
    -----
    Cost: chow-liu fits 16,000 rows of 40 binary columns and draws 100,000 in half a second; see the classes. All in
    memory.

    Left out: fitting to a file that does not fit in memory (the pair counts could be read from a profile; the values
    behind levels could not).

    Examples
    --------
    >>> table = pa.table({"a": [1, 2] * 40, "b": ["x", "y"] * 40})
    >>> made = tabular_rows(table, 10, settings={"smoothing": 0}, seed=3)
    >>> made.rows, made.data.schema.equals(table.schema), made.notes[0].split(":")[0]
    (10, True, 'the reference was taken as trusted')
    """
    require_count("rows", rows)
    require_seed(seed)
    source = open_source(reference, role="reference")
    if source.rows < LEAST_REFERENCE:
        raise InputError(
            f"the reference has {source.rows} rows; a generator is fitted to {LEAST_REFERENCE} or more"
        )
    inputs = [artifact_of("reference", source)]
    _refuse_suspect(inputs[0], suspect)
    given = dict(settings or {})
    if epsilon is not None:
        given |= {"epsilon": epsilon, "delta": delta}
        if public is not None:
            known = open_source(public, role="public table")
            inputs.append(artifact_of("public", known))
            given["public"] = known.table(columns)
    elif public is not None or delta:
        raise UsageError("public and delta are for privacy: give epsilon as well")
    model = _model(generator, given, private=epsilon is not None)
    if by is not None:
        if columns is not None and by not in columns:
            raise UsageError(f"the column to fit by, {by!r}, is not among the columns to make; add it")
        model = models.ByClass(model, by)
    data = model.fit(_columns(source, columns), seed=seed).sample(int(rows), seed=seed)
    asked = {"generator": generator, "rows": int(rows), "seed": int(seed), "columns": columns}
    asked |= {name: value for name, value in given.items() if name not in ("public", "noise_seed")}
    privacy = getattr(model, "account", None)
    notes = _notes(privacy, public=public is not None, repeatable="noise_seed" in given)
    if by is not None:
        asked["by"] = by
        notes += (model.note,) if model.note else ()
    return TabularRows(data, asked, notes, tuple(inputs), privacy)


def write_tabular(
    reference: Any,
    rows: int,
    out: str | os.PathLike[str],
    *,
    lineage: str | os.PathLike[str] | None = None,
    **options: Any,
) -> TabularRows:
    """Make rows as :func:`tabular_rows` does, and write them, and the record of it.

    Parameters
    ----------
    out : where the rows go; .parquet, .csv, .jsonl, ... lineage : log that the record is appended to, see
        :mod:`credenza.provenance.log`; None for none.
    """
    require_writable(out, lineage)
    return written(tabular_rows(reference, rows, **options), "rows", out, lineage)


def _columns(source: Source, columns: Sequence[str] | None) -> pa.Table:
    table = source.table(columns)
    return table.replace_schema_metadata(None)


def _model(generator: str, given: Mapping[str, Any], *, private: bool) -> Any:
    """The generator with these settings."""
    if generator not in GENERATORS:
        raise UsageError(f"no generator {generator!r}; choose from {', '.join(GENERATORS)}")
    if private and generator not in PRIVATE:
        raise UsageError(f"epsilon is for the generators {' and '.join(PRIVATE)}; {generator} has no privacy")
    kind = getattr(models, (PRIVATE if private else GENERATORS)[generator])
    known = [name for name in inspect.signature(kind.__init__).parameters if name not in _OWN]
    for name in given:
        if name not in (*known, *(_OWN if private else ())):
            raise UsageError(f"{generator} has no setting {name!r}; choose from {', '.join(known)}")
    for name in known:
        _require_like(name, given.get(name), inspect.signature(kind.__init__).parameters[name].default)
    return kind(**given)


def _require_like(name: str, value: Any, default: Any) -> None:
    """Refuse a setting that is no number where the default is one, or no whole number; None is not given."""
    if value is None or isinstance(default, str):
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or (not isinstance(default, float) and value != int(value)):
        what = "a number" if isinstance(default, float) else "a whole number"
        told = "" if default is None else f", {default:g} by default"
        raise UsageError(f"{name} is {what}{told}; found {value!r}")


def _refuse_suspect(reference: Artifact, suspect: Any) -> None:
    if suspect is not None and artifact_of("suspect", suspect).sha256 == reference.sha256:
        raise UsageError(
            "the reference is the suspect itself: rows made of it carry its poison and dilute nothing; "
            "fit to trusted rows"
        )


def _notes(privacy: Mapping[str, Any] | None, *, public: bool, repeatable: bool) -> tuple[str, ...]:
    notes = [TRUSTED]
    if privacy is not None:
        notes.append(PROTECTED)
        notes += [] if public else [READ_LEVELS]
        notes += [REPEATABLE] if repeatable else []
    return tuple(notes)
