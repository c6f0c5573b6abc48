"""Clean and synthetic rows mixed to training data: validated, counted, shuffled, and on record."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from credenza.contracts import IntArray
from credenza.data import Source, open_source
from credenza.data.edits import take_values
from credenza.errors import InputError, UsageError
from credenza.models.base import require_seed
from credenza.provenance import Artifact, Record, artifact_of
from credenza.synthetic.alignment import aligned
from credenza.synthetic.base import Synthetic
from credenza.synthetic.proportions import rows_of_each, rows_to_make
from credenza.synthetic.written import require_writable, written

Make = Callable[[int, int], Synthetic | pa.Table]

UNCHECKED = "the synthetic rows were not validated"
COUNTED = (
    "synthetic rows are counted as clean: those of a generator that learnt from poisoned rows are not, and dilute "
    "nothing"
)
REMAINS = "poisoned rows were diluted, not removed: each is as it was"
FORCED = "the synthetic rows failed validation and were mixed in all the same"


@dataclass(frozen=True)
class Validation:
    """How synthetic batches are judged before they are mixed in.

    Attributes
    ----------
    faults : function of a batch that returns what is wrong with it, a sentence each; none where it passes.
    reference : what it compares with, for the record. settings : JSON-able, for the record.
    """

    faults: Callable[[Source], Sequence[str]]
    reference: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Mix:
    """A training mix.

    Attributes
    ----------
    data : the rows, shuffled. inputs : the tables that were read. outputs : what was written; empty in memory.
    settings : what was asked. facts : rows of each kind, validation, remaining poison. notes : what to know.
    """

    data: pa.Table = field(repr=False)
    inputs: tuple[Artifact, ...]
    settings: Mapping[str, Any]
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    outputs: tuple[Artifact, ...] = ()

    @property
    def rows(self) -> int:
        """Rows of the mix."""
        return int(self.data.num_rows)

    def record(self) -> Record:
        """The step of the lineage."""
        return Record("synth mix", self.inputs, self.outputs, self.settings, self.facts, self.notes)


def mix(
    clean: Sequence[Any],
    synthetic: Sequence[Any] | Make,
    *,
    share: float | None = None,
    rows: int | None = None,
    poisoned: int | None = None,
    poisoned_by: str = "given",
    validation: Validation | None = None,
    force: bool = False,
    origin: str | None = None,
    seed: int = 0,
) -> Mix:
    """Mix clean and synthetic rows.

    Parameters
    ----------
    clean : tables, at least one, that any :func:`credenza.data.open_source` takes; the first decides the columns.
    synthetic : tables with the same columns; or a function of a number of rows and a seed that makes them: as many as
        ``share`` asks for, else what brings ``poisoned`` down to 1% of the rows, else a fifth of the clean rows.
    share : of synthetic rows in the mix, in [0, 1]. rows : of the mix. See
        :func:`~credenza.synthetic.proportions.rows_of_each`; where not all rows are taken, they are drawn without
        replacement.
    poisoned : rows among the clean ones that are known or estimated to be poisoned. poisoned_by : who says so.
    validation : of every synthetic table; None for none. force : mix in what fails, and record that.
    origin : name of a column to add, "clean" or "synthetic" in each row, for ``audit --slices``; None for none.
    seed : of draws, order, and what ``synthetic`` makes.

    Returns
    -------
    Mix : ``facts`` hold "clean_rows", "synthetic_rows", "synthetic_share", "validation" (None, or whether it passed,
        was forced, and the faults) and "poison" (None, or the number and who gave it, and the rows and the share of
        the mix that are to be expected, by the share of the clean rows that was drawn).

    Raises
    ------
    InputError : tables of other columns, of kinds that do not go together, one given twice, or a batch that fails
        validation.
    UsageError : a share outside [0, 1], more rows than there are, more poisoned rows than clean ones.

    Notes
    -----
    Columns that tell of a row's making (``credenza.synthetic.base.ORIGIN_COLUMNS``) and are not in the clean data are
    left out. Cost: O(n) a column; all rows are held in memory.

    Source: MITRE ATLAS, AML.M0028, "integration into training pipeline".

    Examples
    --------
    >>> clean = pa.table({"a": range(80)})
    >>> mixed = mix([clean], lambda rows, seed: pa.table({"a": [-1] * rows}), share=0.2, poisoned=8)
    >>> mixed.rows, mixed.facts["synthetic_rows"], mixed.facts["poison"]["share"]
    (100, 20, 0.08)
    """
    require_seed(seed)
    originals = [open_source(table, role="clean data") for table in clean]
    if not originals:
        raise UsageError("no clean data was given; give at least one table")
    there = sum(source.rows for source in originals)
    if poisoned is not None and not 0 <= poisoned <= there:
        raise UsageError(f"{poisoned:,} poisoned rows were given, of {there:,} clean ones; give no more")
    made = _made(synthetic, there, share, rows, poisoned, seed)
    inputs = [artifact_of("clean", source) for source in originals]
    inputs += [artifact_of("synthetic", source) for source in made]
    _refuse_twice(inputs)
    table = aligned([*originals, *made])
    taken = rows_of_each(there, table.num_rows - there, share, rows)
    judged = _judged(made, validation, force=force)
    if validation is not None and validation.reference is not None:
        inputs.append(artifact_of("validation", validation.reference))
    table = _shuffled(table, there, taken, origin, np.random.default_rng(seed))
    settings: dict[str, Any] = {"share": share, "rows": rows, "poisoned": poisoned, "origin": origin}
    checked = None if validation is None else dict(validation.settings)
    settings |= {"validation": checked, "force": force, "seed": int(seed)}
    facts = {
        "clean_rows": taken[0],
        "synthetic_rows": taken[1],
        "synthetic_share": taken[1] / sum(taken),
        "validation": judged,
        "poison": None if poisoned is None else _poison(poisoned, poisoned_by, there, taken),
    }
    notes = [COUNTED]
    notes += [REMAINS] if poisoned else []
    notes += [UNCHECKED] if judged is None else [FORCED] if judged["forced"] else []
    return Mix(table, tuple(inputs), settings, facts, tuple(notes))


def write_mix(
    clean: Sequence[Any],
    synthetic: Sequence[Any] | Make,
    out: str | os.PathLike[str],
    lineage: str | os.PathLike[str],
    **options: Any,
) -> Mix:
    """Mix as :func:`mix` does, and write the rows and the record of it.

    Parameters
    ----------
    out : where the rows go; .parquet, .csv, .jsonl, ... lineage : log that the record is appended to (canonical JSON
        Lines, see :mod:`credenza.provenance.log`); begun where it is not there.
    """
    require_writable(out, lineage)
    return written(mix(clean, synthetic, **options), "mix", out, lineage)


def _made(
    synthetic: Sequence[Any] | Make,
    clean: int,
    share: float | None,
    rows: int | None,
    poisoned: int | None,
    seed: int,
) -> list[Source]:
    """The synthetic tables, made where a function makes them."""
    if not callable(synthetic):
        return [open_source(table, role="synthetic data") for table in synthetic]
    wanted = rows_to_make(clean, share, rows, poisoned)
    if not wanted:
        return []
    made = synthetic(wanted, seed)
    return [open_source(made.data if isinstance(made, Synthetic) else made, role="synthetic data")]


def _refuse_twice(inputs: Sequence[Artifact]) -> None:
    seen: dict[str, Artifact] = {}
    for item in inputs:
        if (other := seen.get(item.sha256)) is not None:
            raise InputError(
                f"{item.name} ({item.role}) has the content of {other.name} ({other.role}); give each table once"
            )
        seen[item.sha256] = item


def _judged(made: Sequence[Source], validation: Validation | None, *, force: bool) -> dict[str, Any] | None:
    """What validation said; raises where it says no and nobody forces it."""
    if validation is None or not made:
        return None
    faults = [(source.name, fault) for source in made for fault in validation.faults(source)]
    if faults and not force:
        name, fault = faults[0]
        more = f" and {len(faults) - 1} more faults" if len(faults) > 1 else ""
        raise InputError(
            f"{name} failed validation: {fault}{more}; make better rows, or force them in, which is recorded"
        )
    told = [f"{os.path.basename(name)}: {fault}" for name, fault in faults]
    return {"passed": not faults, "forced": bool(faults), "faults": told}


def _poison(poisoned: int, said_by: str, clean: int, taken: tuple[int, int]) -> dict[str, Any]:
    """What is to be expected of the poison in the mix."""
    remaining = poisoned * taken[0] / clean
    return {
        "rows_before": poisoned,
        "share_before": poisoned / clean,
        "by": said_by,
        "rows": remaining,
        "share": remaining / sum(taken),
    }


def _shuffled(
    table: pa.Table, clean: int, taken: tuple[int, int], origin: str | None, rng: np.random.Generator
) -> pa.Table:
    """Rows drawn of each kind, in random order."""
    index: IntArray = np.concatenate(
        [
            _drawn(clean, taken[0], rng),
            clean + _drawn(table.num_rows - clean, taken[1], rng),
        ]
    )
    index = rng.permutation(index)
    mixed = pa.table([take_values(column, index) for column in table.columns], schema=table.schema)
    if origin is None:
        return mixed
    if origin in mixed.column_names:
        raise UsageError(f"the data has a column {origin!r}; give the column of origins another name")
    return mixed.append_column(origin, pa.array(np.where(index < clean, "clean", "synthetic")))


def _drawn(there: int, wanted: int, rng: np.random.Generator) -> IntArray:
    return np.arange(there) if wanted == there else rng.permutation(there)[:wanted]
