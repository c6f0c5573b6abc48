"""Where data comes from: records of what was made from what, in a form that can be signed."""

from __future__ import annotations

from credenza.provenance.canonical import canonical, read_object
from credenza.provenance.record import Artifact, Record, artifact_of

__all__ = ["Artifact", "Record", "artifact_of", "canonical", "read_object"]
