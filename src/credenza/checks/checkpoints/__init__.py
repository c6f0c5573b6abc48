"""Checkpoints of one model on the same test rows: what they predict, what changed, what jumped."""

from __future__ import annotations
