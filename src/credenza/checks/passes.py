"""The passes that an audit makes over its two tables."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cached_property
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.census import Census, Survey
from credenza.association.draws import Draw
from credenza.association.probes import Layout
from credenza.association.profile import Profile, layout_of
from credenza.checks.groups import InGroup
from credenza.checks.inquiry import Counts
from credenza.checks.policy_file import Policy
from credenza.checks.samples.beside import Beside, SampleInputs
from credenza.checks.settings import Settings
from credenza.data import ColumnIssue, Duplicates, Schema, Source, extend_schema, fit_schema
from credenza.engines import Engine, LocalEngine, State
from credenza.errors import InputError, UsageError

S = TypeVar("S", bound=State)
ALL = "all"
KEPT_VALUES = 2**26  # codes of a table of no more values than this stay in memory after they were counted


class Passes:
    """One suspect, perhaps a reference, and what is read from them: each pass is made once, when it is asked for.

    Parameters
    ----------
    suspect : the data to audit.
    reference : trusted data, a profile of it, or None.
    settings : of the audit.
    columns : restrict the audit to these; None for all.
    slices, strata : columns that name the provenance of a row, and that split it into strata.
    policy : declared expectations, or None.
    triples : columns to look at in threes, three at least; "all" for all that are audited; None for none.
    beside : labels, embeddings and losses of single rows, or None.
    engine : folds states over rows; the local one by default.
    """

    def __init__(
        self,
        suspect: Source,
        reference: Source | Profile | None,
        settings: Settings,
        *,
        columns: Sequence[str] | None = None,
        slices: str | None = None,
        strata: Sequence[str] = (),
        policy: Policy | None = None,
        triples: Sequence[str] | None = None,
        beside: SampleInputs | None = None,
        engine: Engine | None = None,
    ) -> None:
        self.suspect = suspect
        self.reference = reference
        self.settings = settings
        self.slices = slices
        self.strata = tuple(strata)
        self.policy = policy
        self.triples = triples if triples is None or triples == ALL else _three(triples)
        self.beside = Beside(suspect, reference, beside or SampleInputs(), seed=settings.seed)
        self.engine: Engine = LocalEngine() if engine is None else engine
        self._columns = None if columns is None else tuple(dict.fromkeys(columns))
        self._require_columns()

    def _require_columns(self) -> None:
        for role, names in (
            ("--columns", self._columns or ()),
            ("--slices", (self.slices,) if self.slices else ()),
            ("--labels", (self.beside.inputs.labels,) if self.beside.inputs.labels else ()),
        ):
            self._require(role, names)
        self._require("--strata", self.strata)
        self._require("--triples", self.triples if isinstance(self.triples, tuple) else ())
        if self._columns is not None and len(self._columns) < 1:
            raise UsageError("no columns were chosen: name at least one, or leave the choice out")

    def _require(self, role: str, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.suspect.columns:
                near = difflib.get_close_matches(name, self.suspect.columns, n=1)
                hint = (
                    f"did you mean {near[0]!r}?"
                    if near
                    else "it has " + ", ".join(map(repr, self.suspect.columns[:6]))
                )
                raise UsageError(f"{role} names {name!r}, which {self.suspect.name} does not have: {hint}")

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """Columns of the suspect that are audited: the chosen ones (or all), less the slices column."""
        chosen = self.suspect.columns if self._columns is None else self._columns
        return tuple(name for name in chosen if name != self.slices)

    def fold(self, source: Source, columns: Sequence[str], state: S, label: str) -> S:
        """Run a state over all rows of a source, on the audit's engine."""
        return self.engine.fold(source, columns, state, label=label)

    def _survey(self, source: Source, columns: Sequence[str], label: str) -> Survey:
        fields = pa.schema([source.schema.field(name) for name in columns])
        at_once = self.engine.kernel is None  # else pairs are counted elsewhere, in a pass of their own
        return self.fold(
            source, columns, Survey.empty(fields, seed=self.settings.seed, at_once=at_once), label
        )

    @cached_property
    def suspect_survey(self) -> Survey:
        """Pass one over the suspect."""
        return self._survey(self.suspect, self.columns, "reading the suspect")

    @cached_property
    def reference_survey(self) -> Survey | None:
        """Pass one over the reference; None of a profile, or where there is none."""
        if not isinstance(self.reference, Source):
            return None
        wanted = [c for c in self.reference.columns if c != self.slices and self._wanted(c)]
        return self._survey(self.reference, wanted, "reading the reference")

    @cached_property
    def _fitted(self) -> tuple[Schema, tuple[ColumnIssue, ...]]:
        s = self.settings
        if self.reference is None:
            return fit_schema(self.suspect_survey.sketch, bins=s.bins, min_share=s.min_share), ()
        if isinstance(self.reference, Profile):
            base = _restricted(self.reference.schema, self._columns, self.slices)
        elif self.reference_survey is not None:
            base = fit_schema(self.reference_survey.sketch, bins=s.bins, min_share=s.min_share)
        return extend_schema(base, self.suspect_survey.sketch)

    def _wanted(self, name: str) -> bool:
        return self._columns is None or name in self._columns

    @property
    def schema(self) -> Schema:
        """Features and levels shared by both sides."""
        return self._fitted[0]

    @property
    def issues(self) -> tuple[ColumnIssue, ...]:
        """Columns that differ between the sides."""
        return self._fitted[1]

    @cached_property
    def layout(self) -> Layout:
        """The schema as the statistics need it."""
        return layout_of(self.schema)

    def _census(self, source: Source, survey: Survey | None, label: str) -> Census:
        """Pass two, unless pass one has counted already."""
        known = survey.census(self.schema) if survey is not None else None
        if known is not None:
            return known
        state = Census.empty(self.schema, rows=source.rows, keep=KEPT_VALUES, kernel=self.engine.kernel)
        return self.fold(source, self.schema.names, state, label)

    @cached_property
    def suspect_census(self) -> Census:
        """Pair counts, moments and repeated rows of the suspect."""
        return self._census(self.suspect, self.suspect_survey, "counting the suspect")

    @cached_property
    def reference_census(self) -> Census | None:
        """The same of the reference; None of a profile."""
        if self.reference is None:
            raise InputError("no reference was given: this needs one")
        if isinstance(self.reference, Profile):
            return None
        return self._census(self.reference, self.reference_survey, "counting the reference")

    @property
    def suspect_counts(self) -> Counts:
        """Exact pair counts of the suspect."""
        return self.suspect_census.counts

    @cached_property
    def reference_counts(self) -> Counts:
        """Exact pair counts of the reference, in the shared layout."""
        if isinstance(self.reference, Profile):
            return self.reference.extended(self.schema)
        census = self.reference_census
        assert census is not None
        return census.counts

    def rows_of(
        self, source: Source, schema: Schema, size: int | None = None, where: InGroup | None = None
    ) -> NDArray[np.uint8]:
        """Codes of a seeded sample of a source's rows, in row order; of all rows without a size."""
        if source is self.suspect and where is None and (size is None or size >= source.rows):
            kept = self.suspect_census.kept([self.schema.index(name) for name in schema.names])
            if kept is not None:
                return kept
        columns = list(schema.names)
        if where is not None:
            columns += [name for name in where.columns if name not in columns]
        draw = Draw(schema, source.rows if size is None else size, self.settings.seed, where=where)
        return self.fold(source, columns, draw, "drawing rows").codes()

    @cached_property
    def suspect_duplicates(self) -> Duplicates:
        """How often whole rows of the suspect coincide, on the audited columns."""
        return self.suspect_census.repeats.read()

    @cached_property
    def reference_duplicates(self) -> Duplicates | None:
        """The same of the reference; None where a profile cannot tell."""
        if isinstance(self.reference, Profile):
            same = set(self.schema.names) == set(self.reference.schema.names)
            return self.reference.duplicates if same else None
        if self.reference is None or self.reference_census is None:
            return None
        return self.reference_census.repeats.read()


def _restricted(schema: Schema, columns: Sequence[str] | None, slices: str | None) -> Schema:
    known = (*schema.names, *(name for name, _ in schema.skipped))
    keep = {c for c in (known if columns is None else columns) if c != slices}
    return Schema(
        tuple(f for f in schema.features if f.name in keep),
        tuple((name, reason) for name, reason in schema.skipped if name in keep),
    )


def _three(names: Sequence[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise UsageError(
            f"triples is the text {names!r}: give a list of three or more column names, or {ALL!r}"
        )
    distinct = tuple(dict.fromkeys(names))
    if len(distinct) < 3:
        found = ", ".join(map(repr, distinct)) or "none"
        raise UsageError(f"--triples names {found}: name three or more different columns, or {ALL}")
    return distinct
