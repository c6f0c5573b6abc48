"""What the checks look at, computed once for all of them and only when one of them asks."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.ladder import Climb, Ladder
from credenza.association.moments import Moments
from credenza.association.multiplicity import permutation_p
from credenza.association.probes import Layout
from credenza.association.profile import Profile, count_rows, layout_of, numeric_names, numeric_values
from credenza.association.shift import Sample, pair_shift
from credenza.checks.collision import Excess, coded_duplicates, coincidence_excess, tree_collision
from credenza.checks.describe import Describer
from credenza.checks.groups import Groups, group_rows
from credenza.checks.policy_file import Policy
from credenza.checks.settings import Settings
from credenza.data import (
    ColumnIssue,
    Duplicates,
    Schema,
    Source,
    TableSketch,
    encode_source,
    extend_schema,
    fit_schema,
    sketch,
)
from credenza.errors import InputError, UsageError


class Evidence:
    """One suspect, perhaps a reference, and everything that is derived from them.

    Parameters
    ----------
    suspect : the data to audit.
    reference : trusted data, a profile of it, or None.
    settings : of the audit.
    columns : restrict the audit to these; None for all.
    slices, strata : columns that name the provenance of a row, and that split it into strata.
    policy : declared expectations, or None.
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
    ) -> None:
        self.suspect = suspect
        self.reference = reference
        self.settings = settings
        self.slices = slices
        self.strata = tuple(strata)
        self.policy = policy
        self._columns = None if columns is None else tuple(dict.fromkeys(columns))
        self._require_columns()

    def _require_columns(self) -> None:
        for role, names in (
            ("--columns", self._columns or ()),
            ("--slices", (self.slices,) if self.slices else ()),
        ):
            self._require(role, names)
        self._require("--strata", self.strata)
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

    @cached_property
    def suspect_sketch(self) -> TableSketch:
        """Pass one over the suspect."""
        return sketch(self.suspect, self.columns, seed=self.settings.seed)

    @cached_property
    def _fitted(self) -> tuple[Schema, tuple[ColumnIssue, ...]]:
        s = self.settings
        if self.reference is None:
            return fit_schema(self.suspect_sketch, bins=s.bins, min_share=s.min_share), ()
        if isinstance(self.reference, Profile):
            base = _restricted(self.reference.schema, self._columns, self.slices)
        else:
            wanted = [c for c in self.reference.columns if c != self.slices and self._wanted(c)]
            base = fit_schema(sketch(self.reference, wanted, seed=s.seed), bins=s.bins, min_share=s.min_share)
        return extend_schema(base, self.suspect_sketch)

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

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """The suspect's codes (n, m), Fortran order; n m bytes."""
        return _stack(encode_source(self.suspect, self.schema), len(self.schema.features))

    @cached_property
    def reference_codes(self) -> NDArray[np.uint8]:
        """The reference's codes; only for what needs its rows."""
        if not isinstance(self.reference, Source):
            raise InputError("the reference has no rows here: give the data itself instead of a profile")
        return _stack(encode_source(self.reference, self.schema), len(self.schema.features))

    @cached_property
    def suspect_counts(self) -> PairCounts:
        """Exact pair counts of the suspect."""
        return PairCounts.empty(self.schema.sizes).update(self.codes)

    @cached_property
    def _reference_state(self) -> tuple[PairCounts, Moments]:
        if self.reference is None:
            raise InputError("no reference was given: this needs one")
        if isinstance(self.reference, Profile):
            return self.reference.extended(self.schema), self.reference.moments
        return count_rows(self.reference, self.schema)

    @property
    def reference_counts(self) -> PairCounts:
        """Exact pair counts of the reference, in the shared layout."""
        return self._reference_state[0]

    @cached_property
    def correlations(self) -> tuple[dict[tuple[str, str], float], dict[tuple[str, str], float]]:
        """Pearson correlations of numeric pairs by name: (reference, suspect)."""
        names = numeric_names(self.schema)
        moments = Moments.empty(names)
        if len(names) > 1:
            for batch in self.suspect.batches(names):
                moments = moments.update(numeric_values(batch, names))
        return _by_name(self._reference_state[1]), _by_name(moments)

    @cached_property
    def suspect_duplicates(self) -> Duplicates:
        """How often whole rows of the suspect coincide, on the audited columns."""
        return self.suspect.duplicates(self.schema.names)

    @cached_property
    def reference_duplicates(self) -> Duplicates | None:
        """The same of the reference; None where a profile cannot tell."""
        if isinstance(self.reference, Profile):
            same = set(self.schema.names) == set(self.reference.schema.names)
            return self.reference.duplicates if same else None
        return None if self.reference is None else self.reference.duplicates(self.schema.names)

    @cached_property
    def duplicate_excess(self) -> Excess | None:
        """Coinciding rows of the suspect beyond the reference's rate; None where there is nothing to compare."""
        found, known = self.suspect_duplicates, self.reference_duplicates
        if known is None or min(known.rows, found.rows) < 2:
            return None
        return coincidence_excess(found, known, self._collision_ratio)

    @cached_property
    def design_effect(self) -> float:
        """Rows of the suspect that are worth one: 1 plus twice the excess of coinciding pairs for each row.

        A sample drawn with replacement repeats rows; copies carry nothing new, and the variance of every share grows
        by sum c^2 / n over the multiplicities c (Kish 1965, section 8.2). An excess that is not significant, or below
        1% of the rows, counts as none. With the reference's rows at hand the excess must show on the levels too: values
        that were rounded coincide more often, and are no copies.
        """
        copies, rows = self._copies(self.duplicate_excess), self.suspect.rows
        if copies < 0.01 * rows or not isinstance(self.reference, Source):
            return 1.0 + 2.0 * copies / rows
        levels = coincidence_excess(
            coded_duplicates(self.codes), coded_duplicates(self.reference_codes), self._collision_ratio
        )
        return 1.0 + 2.0 * min(copies, self._copies(levels)) / rows

    def _copies(self, excess: Excess | None) -> float:
        """Coinciding pairs that are beyond chance: significant, and at least 1% of the rows; else 0."""
        if excess is None or excess.z <= self.settings.duplicate_z or excess.pairs < 0.01 * self.suspect.rows:
            return 0.0
        return float(excess.pairs)

    @cached_property
    def _collision_ratio(self) -> float:
        """How much likelier two rows of the suspect coincide than two of the reference, by their pair counts."""
        return tree_collision(self.suspect_counts) / tree_collision(self.reference_counts)

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder of the whole suspect against the reference."""
        s, counts = self.settings, self.reference_counts
        return Ladder(
            self.codes,
            counts.joint,
            counts.rows,
            self.layout,
            fdr=s.fdr,
            correction="by" if s.correction == "by" else "bh",
            min_strength=s.min_strength,
            design_effect=self.design_effect,
            gate=self.permutation_p is None or self.permutation_p <= s.fdr,
        )

    @cached_property
    def climb(self) -> Climb:
        """What the ladder found."""
        return self.ladder.climb()

    @cached_property
    def permutation_p(self) -> float | None:
        """p-value of "anything moved" by permutation; None unless the correction asks for it."""
        s = self.settings
        if s.correction != "permutation":
            return None
        pooled = np.asfortranarray(np.concatenate([self.codes, self.reference_codes]))
        total = PairCounts.empty(self.schema.sizes).update(pooled)

        def strongest(mask: NDArray[np.bool_]) -> float:
            suspect = PairCounts.empty(self.schema.sizes).update(np.asfortranarray(pooled[mask]))
            shift = pair_shift(Sample.of(total.less(suspect)), Sample.of(suspect), self.layout)
            return -float(shift.log_p.min(initial=0.0))

        return permutation_p(strongest, len(self.codes), len(pooled), draws=s.permutations, seed=s.seed)

    @cached_property
    def describer(self) -> Describer:
        """Names for what the ladder found."""
        return Describer(
            self.ladder,
            self.climb,
            self.schema,
            alias_share=self.settings.alias_share,
            correlations=self.correlations,
        )

    @property
    def samples(self) -> tuple[Sample, Sample]:
        """(reference, suspect) as the first round of tests saw them."""
        return self.ladder.reference, self.ladder.plain

    @cached_property
    def slice_groups(self) -> Groups:
        """Rows of the suspect by slice."""
        return group_rows(self.suspect, (str(self.slices),))

    @cached_property
    def strata_groups(self) -> tuple[Groups, Groups]:
        """Rows by stratum: (reference, suspect), on the levels of the shared schema."""
        positions = [self.schema.index(name) for name in self.strata]
        features = [self.schema.features[k] for k in positions]
        return Groups.of_codes(self.reference_codes[:, positions], self.codes[:, positions], features)


def _stack(batches: Any, features: int) -> NDArray[np.uint8]:
    parts = list(batches)
    if not parts:
        return np.empty((0, features), np.uint8, order="F")
    return np.asfortranarray(np.concatenate(parts)) if len(parts) > 1 else parts[0]


def _restricted(schema: Schema, columns: Sequence[str] | None, slices: str | None) -> Schema:
    known = (*schema.names, *(name for name, _ in schema.skipped))
    keep = {c for c in (known if columns is None else columns) if c != slices}
    return Schema(
        tuple(f for f in schema.features if f.name in keep),
        tuple((name, reason) for name, reason in schema.skipped if name in keep),
    )


def _by_name(moments: Moments) -> dict[tuple[str, str], float]:
    r, names = moments.correlation(), moments.names
    return {
        (a, b): float(r[i, j])
        for i, a in enumerate(names)
        for j, b in enumerate(names)
        if i != j and np.isfinite(r[i, j])
    }
