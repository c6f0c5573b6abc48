"""Contributors of training data: what a model does without each of them."""

from __future__ import annotations
