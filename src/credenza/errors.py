"""Errors, by what the user can do about them.

Every message is one line: what was wrong, what was found, what would be right.
"""

from __future__ import annotations


class CredenzaError(ValueError):
    """Root of all errors that credenza raises on purpose; the command line exits with status 2."""


class InputError(CredenzaError):
    """The data is at fault: give another file, column or table."""


class UsageError(CredenzaError):
    """The call is at fault: change an argument or an option."""


class InfeasibleError(CredenzaError):
    """What was asked for does not exist for this data (a strength out of range, an empty cell)."""


class MissingExtraError(CredenzaError):
    """An optional dependency is needed and absent: install the named extra."""
