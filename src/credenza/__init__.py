"""credenza: tastes data for poison before a model eats it.

Public names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from credenza._version import __version__

if TYPE_CHECKING:
    from credenza.association.profile import Profile
    from credenza.attacks import (
        AssociativePoisoning,
        Backdoor,
        Combined,
        ContinuousPoisoning,
        LabelFlipping,
        TriplePoisoning,
    )
    from credenza.report import Audit, audit, compare, profile, validate

__all__ = [
    "AssociativePoisoning",
    "Audit",
    "Backdoor",
    "Combined",
    "ContinuousPoisoning",
    "LabelFlipping",
    "Profile",
    "TriplePoisoning",
    "__version__",
    "audit",
    "compare",
    "profile",
    "validate",
]

_HOMES = {
    "AssociativePoisoning": "credenza.attacks",
    "Audit": "credenza.report",
    "Backdoor": "credenza.attacks",
    "Combined": "credenza.attacks",
    "ContinuousPoisoning": "credenza.attacks",
    "LabelFlipping": "credenza.attacks",
    "Profile": "credenza.association.profile",
    "TriplePoisoning": "credenza.attacks",
    "audit": "credenza.report",
    "compare": "credenza.report",
    "profile": "credenza.report",
    "validate": "credenza.report",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(
            f"module 'credenza' has no attribute {name!r}; its names are {', '.join(__all__)}"
        )
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
