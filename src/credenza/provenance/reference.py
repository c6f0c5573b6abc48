"""A signed manifest as a reference: the profile that lies beside it, vouched for by the key of whoever signed it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from credenza.association.profile import Profile
from credenza.errors import InputError
from credenza.provenance import manifest as form
from credenza.provenance.beside import signed_leaves
from credenza.provenance.dsse import read_bundle, read_statement
from credenza.provenance.keys import PublicKey
from credenza.provenance.manifest import Manifest

SUFFIX = ".sigstore.json"


@dataclass(frozen=True)
class SignedProfile:
    """What a manifest says of data that need not be there any more.

    Attributes
    ----------
    profile : the statistics. manifest : what was signed. leaves : hashes of the rows of each table whose hashes lead to
        the signed root. signer : the key that vouches for it; None where no key was given to check. bundle : its path.
    """

    profile: Profile
    manifest: Manifest
    leaves: Mapping[str, list[bytes]]
    signer: PublicKey | None
    bundle: Path


def manifest_path(reference: Any) -> Path | None:
    """The signed manifest that a reference names; None where it is something else.

    A path that ends in ``.sigstore.json``, or a folder with ``manifest.sigstore.json`` directly in it, as ``.credenza``
    is. The folder of the data itself is data.

    Examples
    --------
    >>> manifest_path("2026-10.sigstore.json").name, manifest_path("survey.csv")
    ('2026-10.sigstore.json', None)
    """
    if not isinstance(reference, str | os.PathLike):
        return None
    path = Path(os.fspath(reference)).expanduser()
    if path.name.endswith(SUFFIX):
        return path
    inside = path / form.BUNDLE
    return inside if inside.is_file() else None


def read_signed_profile(bundle: Path, keys: Sequence[PublicKey]) -> SignedProfile:
    """Read a manifest and the profile beside it, and verify both; the data that was signed is not needed.

    Parameters
    ----------
    bundle : the signed manifest; ``profile.czp`` and ``rows.bin`` lie in the same folder.
    keys : those that are trusted; one of them must have signed. None at all: the signature is not checked.

    Raises
    ------
    InputError : no manifest, or one that cannot be read; none of the keys signed it; it was signed without a profile;
        the profile is missing or another than was signed.

    Notes
    -----
    That a newer manifest of the same data exists, and that the key was stolen, does not show.
    """
    what = f"the manifest {bundle}"
    opened = read_bundle(bundle)
    manifest = Manifest.from_statement(read_statement(opened, what), what)
    signer = opened.signer(keys)
    if keys and signer is None:
        raise InputError(
            f"the reference is not vouched for: {bundle}: {opened.unsigned_because(keys)}; "
            "give the key of its signer, and do not use it if that is not at hand"
        )
    profile = _signed_statistics(bundle.parent / form.PROFILE, manifest, what)
    return SignedProfile(profile, manifest, signed_leaves(bundle.parent, manifest), signer, bundle)


def _signed_statistics(path: Path, manifest: Manifest, what: str) -> Profile:
    if manifest.profile is None:
        reason = manifest.no_profile or "another tool wrote it"
        raise InputError(f"{what} was signed without a profile ({reason}), and is no reference: sign anew")
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise InputError(f"the profile of {what} cannot be read at {path}: {reason}; put it back") from error
    if hashlib.sha256(data).hexdigest() != manifest.profile:
        raise InputError(f"the profile {path} is not the one that was signed: put that one back")
    return Profile.from_bytes(data, str(path))
