"""Studies: results of papers reproduced on data that anyone can make, and the data for them."""

from __future__ import annotations
