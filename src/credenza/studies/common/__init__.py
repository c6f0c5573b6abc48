"""What all studies need: finished units on disk, processes, seeds, times, tables in Markdown."""

from __future__ import annotations
