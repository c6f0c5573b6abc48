"""What was given beside the suspect's rows, read once; what does not fit is refused in one line."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from credenza.association.profile import Profile
from credenza.checks.samples.evidence import Labels, SampleEvidence, read_labels
from credenza.data import Source
from credenza.data.matrix import Matrix, read_matrix
from credenza.errors import UsageError


@dataclass(frozen=True)
class SampleInputs:
    """What was given about single rows, as it was given; see :func:`credenza.audit`.

    Attributes
    ----------
    labels : column of the class labels.
    embeddings, losses : numbers beside the suspect's rows. reference_embeddings : beside the reference's.
    """

    labels: str | None = None
    embeddings: Any = None
    losses: Any = None
    reference_embeddings: Any = None


class Beside:
    """Labels, embeddings and losses of single rows.

    Parameters
    ----------
    suspect, reference : the data that they belong to. inputs : what was given. seed : of everything random.

    Raises
    ------
    UsageError : embeddings of a reference that is absent, or has no rows.

    Notes
    -----
    A callable that makes embeddings makes the reference's, too, if that has rows and no embeddings of its own.
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

    @property
    def has_labels(self) -> bool:
        """Whether a column of labels was named."""
        return self.inputs.labels is not None

    @property
    def has_embeddings(self) -> bool:
        """Whether embeddings of the suspect were given."""
        return self.inputs.embeddings is not None

    @property
    def has_losses(self) -> bool:
        """Whether training losses were given."""
        return self.inputs.losses is not None

    @cached_property
    def labels(self) -> Labels | None:
        """The class of each row of the suspect."""
        return None if self.inputs.labels is None else read_labels(self.suspect, self.inputs.labels)

    @cached_property
    def embeddings(self) -> Matrix | None:
        """Embeddings of the suspect's rows."""
        given = self.inputs.embeddings
        return None if given is None else read_matrix(given, self.suspect, "embeddings")

    @cached_property
    def reference_embeddings(self) -> Matrix | None:
        """Embeddings of the reference's rows."""
        given, makes = self.inputs.reference_embeddings, self.inputs.embeddings
        if self.reference is None or (given is None and not callable(makes)):
            return None
        return read_matrix(makes if given is None else given, self.reference, "reference embeddings")

    @cached_property
    def losses(self) -> Matrix | None:
        """Training losses of the suspect's rows, by epoch."""
        given = self.inputs.losses
        return None if given is None else read_matrix(given, self.suspect, "losses")

    @cached_property
    def samples(self) -> SampleEvidence | None:
        """Embeddings and labels together; None unless both were given."""
        if self.embeddings is None or self.labels is None:
            return None
        losses = None if self.losses is None else np.asarray(self.losses.values, np.float64)
        return SampleEvidence(
            self.embeddings.values, self.labels.codes, self.labels.classes, losses, seed=self.seed
        )

    def read(self) -> tuple[tuple[str, Matrix], ...]:
        """Read everything that was given, and name it; so that what does not fit is refused before any check runs."""
        _ = self.labels
        named = (
            ("embeddings", self.embeddings),
            ("reference embeddings", self.reference_embeddings),
            ("losses", self.losses),
        )
        return tuple((role, matrix) for role, matrix in named if matrix is not None)
