"""Properties are drawn from fixed seeds and never timed: the first call of a compiled loop takes seconds."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("association", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("association")
