"""Generators of text: a word n-gram model that needs no torch, and a small transformer."""

from __future__ import annotations
