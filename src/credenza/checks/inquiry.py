"""One comparison of a suspect with a reference: all pairs ranked, and the ladder on the features in play."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from credenza.association.counts import PairCounts
from credenza.association.edited_climb import EditSearch, linked
from credenza.association.edited_counts import GivenPairs, Pair
from credenza.association.estimate import Power, detectable
from credenza.association.ladder import Climb, Ladder
from credenza.association.moments import Moments
from credenza.association.multiplicity import adjust
from credenza.association.planes import PlaneStore
from credenza.association.probes import Layout
from credenza.association.profile import layout_of
from credenza.association.ranking import Ranking, rank, typical_power
from credenza.association.shift import Sample, margin_shift
from credenza.checks.describe import Describer
from credenza.checks.settings import Settings
from credenza.contracts import Culprit, FloatArray
from credenza.data import Schema

WHOLE_PLANES = 400  # levels of all features up to which the whole table is in play
IN_PLAY_PLANES = 600  # levels that may be in play of a larger table
DRAW_ROWS = 250_000  # rows that the ladder weighs, at most
DRAW_VALUES = 2**25  # and values: rows times levels in play

Counts = PairCounts | PlaneStore
Given = Callable[[Schema, tuple[Pair, ...]], GivenPairs]
Rows = Callable[[Schema, int], NDArray[np.uint8]]


class Inquiry:
    """Asks of one suspect and one reference which pairs moved, and which of those explain the others.

    Parameters
    ----------
    reference, suspect : pair counts in one layout.
    schema : the features behind them.
    rows : ``rows(schema, size)`` draws the codes of at most ``size`` rows of the suspect on the features of a schema.
    settings : of the audit.
    parts : how many inquiries share the audit's false discovery rate.
    design_effect : see :class:`credenza.association.ladder.Ladder`.
    gate : False when a test of "anything moved" has said no.
    where : the part of the suspect that is looked at; "" for the whole.
    moments : of the numeric columns, reference and suspect, for the correlations of culprits.
    given : ``given(schema, pairs)`` counts the reference's rows on the features of a schema, given the levels of pairs
        of them; None where there are no rows, as with a profile: then no values are found to be edited in place.

    Notes
    -----
    All pairs are tested on all rows. The ladder then works on the features in play: the whole table up to
    ``WHOLE_PLANES`` levels; of a larger one the features of significant pairs and of shifted marginals, strongest
    first, while they have no more than ``IN_PLAY_PLANES`` levels. Its weighted counts come from a sample of rows.
    """

    def __init__(
        self,
        reference: Counts,
        suspect: Counts,
        schema: Schema,
        rows: Rows,
        settings: Settings,
        *,
        parts: int = 1,
        design_effect: float = 1.0,
        gate: bool = True,
        where: str = "",
        moments: tuple[Moments, ...] = (),
        given: Given | None = None,
    ) -> None:
        self.reference, self.suspect, self.schema = reference, suspect, schema
        self.settings, self.where, self.moments = settings, where, moments
        self.fdr = settings.fdr / parts
        self.correction = "by" if settings.correction == "by" else "bh"
        self.design_effect, self.gate = design_effect, gate
        self._rows, self._given = rows, given

    @cached_property
    def layout(self) -> Layout:
        """The schema as the statistics need it."""
        return layout_of(self.schema)

    @cached_property
    def ranking(self) -> Ranking:
        """The strongest pairs of the whole table, before anything is explained."""
        return rank(
            self.reference,
            self.suspect,
            self.layout,
            correction=self.correction,
            fdr=self.fdr,
            design_effect=self.design_effect,
            min_strength=self.settings.min_strength,
        )

    @cached_property
    def flagged(self) -> NDArray[np.int64]:
        """Positions in the ranking of the significant pairs."""
        return self.ranking.significant(self.fdr) if self.gate else np.empty(0, np.int64)

    @cached_property
    def margins(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Rung 1 for every feature: (log p, q, largest change of a level's share), each (m,)."""
        size = self.suspect.rows / self.design_effect
        log_p, change = margin_shift(
            self.reference.margins().astype(float),
            float(self.reference.rows),
            np.asarray(self.suspect.margins() * (size / max(self.suspect.rows, 1)), float),
            size,
            self.layout,
        )
        return log_p, adjust(log_p, self.correction), change

    @cached_property
    def in_play(self) -> tuple[int, ...]:
        """Positions of the features that the ladder works on, ascending; two at least."""
        features = range(len(self.schema.features))
        if self.schema.planes <= WHOLE_PLANES:
            return tuple(features)
        log_p, q, _ = self.margins
        ranking, room = self.ranking, IN_PLAY_PLANES
        wanted: list[tuple[int, ...]] = [(int(ranking.i[k]), int(ranking.j[k])) for k in self.flagged]
        wanted += [(f,) for f in np.flatnonzero(q <= self.fdr)[np.argsort(log_p[q <= self.fdr])].tolist()]
        wanted.append((int(ranking.i[0]), int(ranking.j[0])) if len(ranking.i) else (0, 1))
        chosen: set[int] = set()
        for group in wanted:
            fresh = [f for f in group if f not in chosen]
            levels = int(sum(self.schema.sizes[f] for f in fresh))
            if levels <= room:
                chosen.update(fresh)
                room -= levels
        return tuple(sorted(chosen))

    @cached_property
    def beyond(self) -> int:
        """How many significant pairs have a feature that found no room among those in play."""
        inside = np.isin(self.ranking.i, self.in_play) & np.isin(self.ranking.j, self.in_play)
        return int((~inside[self.flagged]).sum())

    @cached_property
    def part(self) -> Schema:
        """The schema of the features in play."""
        return Schema(tuple(self.schema.features[f] for f in self.in_play))

    @cached_property
    def ladder(self) -> Ladder:
        """The ladder on the features in play."""
        reference, suspect = self.reference.part(self.in_play), self.suspect.part(self.in_play)
        calm = not self.flagged.size and not (self.margins[1] <= self.fdr).any()
        size = 0 if calm else max(1_000, min(DRAW_ROWS, DRAW_VALUES // self.part.planes))
        return Ladder(
            self._rows(self.part, size) if size else np.empty((0, len(self.in_play)), np.uint8, order="F"),
            reference.joint,
            reference.rows,
            layout_of(self.part),
            suspect=suspect,
            pairs_tested=self.ranking.tested,
            features_tested=self.layout.features,
            fdr=self.fdr,
            correction=self.correction,
            min_strength=self.settings.min_strength,
            design_effect=self.design_effect,
            gate=self.gate,
        )

    @cached_property
    def _exchanged(self) -> Climb:
        """What the ladder found, had rows been exchanged only."""
        return self.ladder.climb()

    @property
    def several(self) -> bool:
        """Whether some culprits share a feature, so that one edit of its values might explain them."""
        return not self._exchanged.exhausted and bool(linked(self._exchanged, self.ladder.layout.pairs))

    @property
    def unread(self) -> bool:
        """Whether that could not be asked, for want of the reference's rows."""
        return self.several and self._given is None

    @cached_property
    def climb(self) -> Climb:
        """What the ladder found; positions are those of the features in play."""
        if not self.several or self._given is None:
            return self._exchanged
        part, given = self.part, self._given
        return EditSearch(self.ladder, self._exchanged, lambda pairs: given(part, pairs)).climb()

    @cached_property
    def describer(self) -> Describer:
        """Names for what the ladder found."""
        return Describer(
            self.ladder,
            self.climb,
            self.part,
            rows=self.suspect.rows,
            alias_share=self.settings.alias_share,
            where=self.where,
            moments=self.moments,
        )

    def culprits(self) -> tuple[Culprit, ...]:
        """All culprits, strongest evidence first."""
        return self.describer.culprits()

    @cached_property
    def power(self) -> Power:
        """The smallest strengths that would have been seen."""
        power = self.settings.power
        if isinstance(self.reference, PlaneStore) or isinstance(self.suspect, PlaneStore):
            return typical_power(
                self.reference,
                self.suspect,
                self.layout,
                alpha=self.fdr,
                power=power,
                design_effect=self.design_effect,
                seed=self.settings.seed,
            )
        suspect = replace(Sample.of(self.suspect), size=self.suspect.rows / self.design_effect)
        return detectable(Sample.of(self.reference), suspect, self.layout, alpha=self.fdr, power=power)
