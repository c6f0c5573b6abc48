"""What the checks of synthetic batches (CZ601 to CZ604) share: rows beside their reference, exact tests."""

from __future__ import annotations
