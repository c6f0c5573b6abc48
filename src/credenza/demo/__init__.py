"""A real table that ships with credenza: the RAND Health Insurance Experiment (see ORIGIN.md)."""

from __future__ import annotations

from credenza.demo.scenario import DemoFiles, prepare
from credenza.demo.table import load

__all__ = ["DemoFiles", "load", "prepare"]
