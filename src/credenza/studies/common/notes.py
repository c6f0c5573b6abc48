"""What is noted of every unit: how long its parts took, and which versions made it."""

from __future__ import annotations

import platform
import time
from importlib.metadata import PackageNotFoundError, version

from credenza._version import __version__

LIBRARIES = ("numpy", "scipy", "pyarrow", "torch", "diffusers")


class Stopwatch:
    """Seconds by what was done."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        """What has passed since the last lap went to ``name``."""
        now = time.perf_counter()
        self.seconds[name] = round(self.seconds.get(name, 0.0) + now - self._last, 3)
        self._last = now


def versions() -> dict[str, str]:
    """Versions that decide what a unit comes to."""
    found = {"credenza": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
