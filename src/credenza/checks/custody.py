"""What CZ701 to CZ703 look at: the suspect's files beside their signed manifest, verified once."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from credenza.data import Source
from credenza.errors import UsageError

if TYPE_CHECKING:
    from credenza.provenance.beside import Problem
    from credenza.provenance.lineage import Chain
    from credenza.provenance.verify import Verification

# Problems that are about the signatures and not about the files.
SIGNATURES = ("signature", "claim")


@dataclass(frozen=True)
class Custody:
    """A suspect that lies in files, its manifest, and the keys that are trusted.

    Attributes
    ----------
    data : the folder or file that was signed. only : the names of the suspect's files in it; all without any.
    bundle : the signed manifest. keys : paths of public keys; none where the signature is not to be checked.
    suspect : the suspect itself.
    """

    data: Path
    only: tuple[str, ...]
    bundle: Path
    keys: tuple[str, ...]
    suspect: Path

    @classmethod
    def of(
        cls, suspect: Source, manifest: str | os.PathLike[str], key: str | os.PathLike[str] | None
    ) -> Custody:
        """The custody of a suspect.

        Parameters
        ----------
        manifest : the bundle; or the folder that it is in, or that was signed. key : public key, or None.

        Raises
        ------
        UsageError : the suspect is no file or folder.
        """
        from credenza.provenance.manifest import BUNDLE, HOME

        path = Path(suspect.name).expanduser()
        if not suspect.files or not path.exists():
            raise UsageError(
                f"a manifest is of a folder or a file: found the suspect {suspect.name}; give the path of one"
            )
        bundle = Path(manifest)
        if bundle.is_dir():
            inside = bundle / HOME / BUNDLE
            bundle = inside if inside.exists() else bundle / BUNDLE
        home = bundle.resolve().parent
        whole = home.parent if home.name == HOME else None
        keys = () if key is None else (os.fspath(key),)
        if whole is None or not path.resolve().is_relative_to(whole) or path.resolve() == whole:
            return cls(path, (), bundle, keys, path)
        name = glob.escape(path.resolve().relative_to(whole).as_posix())
        return cls(whole, (f"{name}/*" if path.is_dir() else name,), bundle, keys, path)

    @cached_property
    def verification(self) -> Verification:
        """The files compared with the manifest, and the manifest with its signature."""
        from credenza.provenance.keys import load_public
        from credenza.provenance.verify import verify

        return verify(self.data, [load_public(key) for key in self.keys], only=self.only, bundle=self.bundle)

    @cached_property
    def chain(self) -> Chain | None:
        """Where the suspect comes from; None where no log lies beside the manifest.

        Raises
        ------
        InputError : the log is damaged.
        """
        from credenza.provenance.lineage import trace_data
        from credenza.provenance.manifest import LOG

        log = self.bundle.parent / LOG
        return trace_data(self.suspect, log) if log.is_file() else None

    def problems(self, *kinds: str) -> list[Problem]:
        """The problems of these kinds."""
        return [problem for problem in self.verification.problems if problem.kind in kinds]
