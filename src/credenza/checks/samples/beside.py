"""What was given beside the suspect's rows, read once; what does not fit is refused in one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from credenza.association.profile import Profile
from credenza.checks.samples.evidence import Labels, SampleEvidence, read_labels
from credenza.contracts import IntArray, Outcome
from credenza.data import Source
from credenza.data.features import Unreadable
from credenza.data.matrix import Matrix, read_matrix
from credenza.errors import UsageError
from credenza.models.embedding.base import Embedded
from credenza.models.embedding.make import Embedding, Request


@dataclass(frozen=True)
class SampleInputs:
    """What was given about single rows, as it was given; see :func:`credenza.audit`.

    Attributes
    ----------
    labels : column of the class labels.
    embeddings, losses : numbers beside the suspect's rows. reference_embeddings : beside the reference's.
    embed : embeddings that are to be made here instead.
    skip_unreadable : whether contents that cannot be read are left out with a notice only.
    """

    labels: str | None = None
    embeddings: Any = None
    losses: Any = None
    reference_embeddings: Any = None
    embed: Request | None = None
    skip_unreadable: bool = False


class Beside:
    """Labels, embeddings and losses of single rows.

    Parameters
    ----------
    suspect, reference : the data that they belong to. inputs : what was given. seed : of everything random.

    Raises
    ------
    UsageError : embeddings of a reference that is absent, or has no rows; embeddings both given and to be made.

    Notes
    -----
    A callable that makes embeddings makes the reference's, too, if that has rows and no embeddings of its own.
    Of embeddings that are made here, contents that cannot be read have none: ``embeddings`` and ``samples`` are of the
    rows that ``rows`` lists, ``labels`` and ``losses`` of all; :meth:`spread` brings scores back to all rows.
    """

    def __init__(
        self, suspect: Source, reference: Source | Profile | None, inputs: SampleInputs, *, seed: int = 0
    ) -> None:
        self.suspect, self.inputs, self.seed = suspect, inputs, seed
        self.reference = reference if isinstance(reference, Source) else None
        if inputs.reference_embeddings is not None and self.reference is None:
            found = "there is none" if reference is None else "a profile has none"
            raise UsageError(
                f"--reference-embeddings belong to a reference's rows, and {found}: give --reference"
            )
        if inputs.embed is not None:
            for option, given in (
                ("--embeddings", inputs.embeddings),
                ("--reference-embeddings", inputs.reference_embeddings),
            ):
                if given is not None:
                    raise UsageError(
                        f"--embed makes the embeddings, and {option} gives them: leave one of the two out"
                    )

    @property
    def has_labels(self) -> bool:
        """Whether a column of labels was named."""
        return self.inputs.labels is not None

    @property
    def has_embeddings(self) -> bool:
        """Whether embeddings of the suspect were given, or are to be made."""
        return self.inputs.embeddings is not None or self.inputs.embed is not None

    @property
    def has_losses(self) -> bool:
        """Whether training losses were given."""
        return self.inputs.losses is not None

    @cached_property
    def labels(self) -> Labels | None:
        """The class of each row of the suspect."""
        return None if self.inputs.labels is None else read_labels(self.suspect, self.inputs.labels)

    @cached_property
    def embedding(self) -> Embedding | None:
        """What makes embeddings here; None unless that was asked for."""
        if self.inputs.embed is None:
            return None
        codes = None if self.labels is None else self.labels.codes
        return Embedding(self.suspect, self.inputs.embed, codes, seed=self.seed)

    @cached_property
    def made(self) -> Embedded | None:
        """Embeddings that were made here of the suspect's rows."""
        return None if self.embedding is None else self.embedding.suspect

    @cached_property
    def made_of_reference(self) -> Embedded | None:
        """The same of the reference's, where it has rows with such contents."""
        if self.embedding is None or self.reference is None:
            return None
        return self.embedding.reference(self.reference)

    @property
    def general(self) -> bool:
        """Whether there are embeddings that say what a row holds, whatever its labels; such as are given, always."""
        made = None if self.inputs.embed is None else self.embedding
        return self.inputs.embeddings is not None if made is None else made.general

    @property
    def rows(self) -> IntArray | None:
        """The suspect's rows that have an embedding, ascending; None for all."""
        return None if self.made is None else self.made.rows

    @property
    def unreadable(self) -> tuple[tuple[Unreadable, ...], tuple[Unreadable, ...]]:
        """Contents that could not be read: of the suspect, of the reference."""
        pair = (self.made, self.made_of_reference)
        own, other = (() if made is None else made.unreadable for made in pair)
        return own, other

    def spread(self, outcome: Outcome) -> Outcome:
        """The outcome with scores of all rows, where its scores are of those that have an embedding only."""
        if self.made is None or self.rows is None or outcome.scores is None:
            return outcome
        if len(outcome.scores) != len(self.rows):
            return outcome
        picked = outcome.picked
        if picked is not None:
            mask = np.zeros(self.suspect.rows, dtype=bool)
            mask[self.rows] = picked
            picked = mask
        scores = self.made.spread(outcome.scores, self.suspect.rows)
        return replace(outcome, scores=scores, picked=picked)

    @cached_property
    def embeddings(self) -> Matrix | None:
        """Embeddings of the suspect's rows, or of those that ``rows`` lists."""
        if self.made is not None:
            return Matrix(self.made.values, self.made.name, self.made.kind)
        given = self.inputs.embeddings
        return None if given is None else read_matrix(given, self.suspect, "embeddings")

    @cached_property
    def reference_embeddings(self) -> Matrix | None:
        """Embeddings of the reference's rows."""
        if (made := self.made_of_reference) is not None:
            return Matrix(made.values, made.name, made.kind)
        given, makes = self.inputs.reference_embeddings, self.inputs.embeddings
        if self.reference is None or (given is None and not callable(makes)):
            return None
        return read_matrix(makes if given is None else given, self.reference, "reference embeddings")

    @cached_property
    def losses(self) -> Matrix | None:
        """Training losses of the suspect's rows, by epoch; NaN of rows without an embedding."""
        given, made = self.inputs.losses, self.made
        if given is not None:
            return read_matrix(given, self.suspect, "losses")
        if made is None or made.losses is None:
            return None
        return Matrix(made.spread(made.losses, self.suspect.rows), made.name, made.kind)

    @cached_property
    def samples(self) -> SampleEvidence | None:
        """Embeddings and labels together; None unless both were given."""
        if self.embeddings is None or self.labels is None:
            return None
        losses = None if self.losses is None else np.asarray(self.losses.values, np.float64)
        codes = self.labels.codes
        if self.rows is not None:
            codes, losses = codes[self.rows], None if losses is None else losses[self.rows]
        return SampleEvidence(self.embeddings.values, codes, self.labels.classes, losses, seed=self.seed)

    def read(self) -> tuple[tuple[str, Matrix], ...]:
        """Read everything that was given, and name it; so that what does not fit is refused before any check runs."""
        _ = self.labels
        named = (
            ("embeddings", self.embeddings),
            ("reference embeddings", self.reference_embeddings),
            ("losses", self.losses),
        )
        return tuple((role, matrix) for role, matrix in named if matrix is not None)
