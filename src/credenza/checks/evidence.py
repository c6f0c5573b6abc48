"""What the checks look at, computed once for all of them and only when one of them asks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.edited_counts import GivenCensus, GivenPairs, Pair
from credenza.association.moments import Moments
from credenza.association.multiplicity import permutation_p
from credenza.association.planes import DENSE_PLANES
from credenza.association.profile import Profile
from credenza.association.shift import Sample, pair_shift
from credenza.checks.baseline import Baseline
from credenza.checks.batches.batch import Batch
from credenza.checks.checkpoints.predictions import Predictions
from credenza.checks.collision import Excess, coincidence_excess, tree_collision
from credenza.checks.contributors.trials import Trials
from credenza.checks.custody import Custody
from credenza.checks.groups import RowFilter
from credenza.checks.inquiry import Inquiry
from credenza.checks.passes import Passes
from credenza.checks.samples.contents import Content, find_content
from credenza.checks.samples.evidence import SampleEvidence
from credenza.checks.triggers.sets import ImageSets
from credenza.checks.weights import RowWeights
from credenza.data import Duplicates, Repeats, Schema, Source, code_keys, encode
from credenza.errors import InputError, UsageError


@dataclass
class CodedRepeats:
    """How often rows coincide on their levels, whatever the values behind them."""

    schema: Schema
    repeats: Repeats

    def update(self, batch: pa.RecordBatch) -> CodedRepeats:
        """Add rows, in place."""
        self.repeats = self.repeats.update(code_keys(encode(batch, self.schema)))
        return self

    def merge(self, other: CodedRepeats) -> CodedRepeats:
        """Of both parts."""
        return CodedRepeats(self.schema, self.repeats.merge(other.repeats))


class Evidence(Passes):
    """One suspect, perhaps a reference, and everything that is derived from them; see :class:`Passes`.

    ``batch`` is set by :func:`credenza.validate`: the suspect's rows beside the reference's, in memory.
    ``custody`` is set by :func:`credenza.audit` where a manifest is given, ``baseline`` where one is the reference.
    ``model`` and ``generated`` are a diffusion model and a generator's images, as given to :func:`credenza.audit`.
    ``predictions`` are set by :func:`credenza.compare`: of checkpoints, for the same rows.
    ``trials`` are set by :func:`credenza.report.blaming.leave_one_out`: models without the rows of a contributor.
    """

    batch: Batch | None = None
    custody: Custody | None = None
    baseline: Baseline | None = None
    predictions: Predictions | None = None
    trials: Trials | None = None

    model: Any = None
    generated: Any = None

    @property
    def moments(self) -> tuple[Moments, Moments]:
        """Moments of the numeric columns: (reference, suspect)."""
        if isinstance(self.reference, Profile):
            return self.reference.moments, self.suspect_census.moments
        census = self.reference_census
        assert census is not None
        return census.moments, self.suspect_census.moments

    @cached_property
    def duplicate_excess(self) -> Excess | None:
        """Coinciding rows of the suspect beyond the reference's rate; None where there is nothing to compare."""
        found, known = self.suspect_duplicates, self.reference_duplicates
        if known is None or min(known.rows, found.rows) < 2:
            return None
        ratio = self._collision_ratio if found.pairs and known.pairs else 1.0
        return coincidence_excess(found, known, ratio)

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
        found, known = (self._coded_duplicates(source) for source in (self.suspect, self.reference))
        levels = coincidence_excess(found, known, self._collision_ratio)
        return 1.0 + 2.0 * min(copies, self._copies(levels)) / rows

    def _coded_duplicates(self, source: Source) -> Duplicates:
        state = CodedRepeats(self.schema, Repeats.empty())
        return self.fold(source, self.schema.names, state, "comparing rows").repeats.read()

    def _copies(self, excess: Excess | None) -> float:
        """Coinciding pairs that are beyond chance: significant, and at least 1% of the rows; else 0."""
        if excess is None or excess.z <= self.settings.duplicate_z or excess.pairs < 0.01 * self.suspect.rows:
            return 0.0
        return float(excess.pairs)

    @cached_property
    def _collision_ratio(self) -> float:
        """How much likelier two rows of the suspect coincide than two of the reference, by their pair counts.

        1 of a wide table, where rows do not coincide by chance.
        """
        suspect, reference = self.suspect_counts, self.reference_counts
        if isinstance(suspect, PairCounts) and isinstance(reference, PairCounts):
            return tree_collision(suspect) / tree_collision(reference)
        return 1.0

    @cached_property
    def inquiry(self) -> Inquiry:
        """The whole suspect against the reference."""
        s = self.settings
        return Inquiry(
            self.reference_counts,
            self.suspect_counts,
            self.schema,
            lambda schema, size: self.rows_of(self.suspect, schema, size),
            s,
            design_effect=self.design_effect,
            gate=self.permutation_p is None or self.permutation_p <= s.fdr,
            moments=self.moments,
            given=self.given_pairs if isinstance(self.reference, Source) else None,
        )

    def given_pairs(self, schema: Schema, pairs: tuple[Pair, ...]) -> GivenPairs:
        """Counts of the reference's rows on the features of a schema, given the levels of some pairs of them."""
        assert isinstance(self.reference, Source)
        return self.given_pairs_of(self.reference, schema, pairs)

    def given_pairs_of(
        self, source: Source, schema: Schema, pairs: tuple[Pair, ...], where: RowFilter | None = None
    ) -> GivenPairs:
        """The same of any source, or of the rows that ``where`` picks; one pass over its columns."""
        columns = list(schema.names)
        if where is not None:
            columns += [name for name in where.columns if name not in columns]
        state = GivenCensus.empty(schema, pairs, where)
        return self.fold(source, columns, state, "looking for edits").given

    @cached_property
    def permutation_p(self) -> float | None:
        """p-value of "anything moved" by permutation; None unless the correction asks for it."""
        s = self.settings
        if s.correction != "permutation":
            return None
        if not isinstance(self.reference, Source):
            raise InputError("the reference has no rows here: give the data itself instead of a profile")
        if self.schema.planes > DENSE_PLANES:
            raise UsageError(
                f"a permutation gate over {self.schema.planes:,} levels: it holds up to {DENSE_PLANES:,}; "
                "choose fewer columns or another correction"
            )
        own = self.rows_of(self.suspect, self.schema)
        pooled = np.asfortranarray(np.concatenate([own, self.rows_of(self.reference, self.schema)]))
        total = PairCounts.empty(self.schema.sizes).update(pooled)

        def strongest(mask: NDArray[np.bool_]) -> float:
            suspect = PairCounts.empty(self.schema.sizes).update(np.asfortranarray(pooled[mask]))
            shift = pair_shift(Sample.of(total.less(suspect)), Sample.of(suspect), self.layout)
            return -float(shift.log_p.min(initial=0.0))

        return permutation_p(strongest, len(own), len(pooled), draws=s.permutations, seed=s.seed)

    @cached_property
    def samples(self) -> SampleEvidence | None:
        """Embeddings and labels of the suspect's rows; None unless both were given."""
        return self.beside.samples

    @cached_property
    def content(self) -> Content | None:
        """Where the suspect has images, or else texts; None where it has neither among the audited columns."""
        return find_content(self.suspect, self.columns, self.schema.names)

    @cached_property
    def images(self) -> ImageSets:
        """Images with their classes, for the checks of triggers."""
        return ImageSets(
            self.suspect,
            self.reference,
            self.beside.inputs.labels,
            lambda: self.beside.labels,
            seed=self.settings.seed,
            model=self.model,
            generated=self.generated,
            opened=lambda given: self.engine.open(given, role="generated"),
        )

    @cached_property
    def row_weights(self) -> RowWeights:
        """The final weights of the suspect's rows, solved on all of them."""
        return RowWeights(self, self.inquiry)
