"""What CZ704 looks at: a signed manifest in the place of a reference, and what was added to the data since."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from credenza.data import Source
from credenza.data.spans import spans_of

if TYPE_CHECKING:
    from credenza.provenance.growth import Growth
    from credenza.provenance.reference import SignedProfile


@dataclass(frozen=True)
class Baseline:
    """A signed manifest that serves as the reference, and what the suspect has beyond it.

    ``growth`` is None unless the added rows alone are audited.
    """

    signed: SignedProfile
    growth: Growth | None = None

    @classmethod
    def of(cls, reference: Any, key: str | os.PathLike[str] | None) -> Baseline | None:
        """The baseline that a reference names; None where it is no manifest.

        Raises
        ------
        InputError : the key did not sign it, or its profile is not the one that was signed.
        """
        from credenza.provenance.reference import manifest_path, read_signed_profile

        bundle = manifest_path(reference)
        if bundle is None:
            return None
        from credenza.provenance.keys import load_public

        return cls(read_signed_profile(bundle, [] if key is None else [load_public(key)]))

    def added_to(self, suspect: Source) -> tuple[Baseline, Source]:
        """The rows of a suspect that were not signed; the baseline then knows of the others.

        Raises
        ------
        InputError : it cannot be told which they are.
        """
        from credenza.provenance.growth import growth_of

        growth = growth_of(suspect, self.signed.manifest, self.signed.leaves)
        return replace(self, growth=growth), spans_of(suspect, growth.spans)
