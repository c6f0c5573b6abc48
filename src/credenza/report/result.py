"""What an audit hands back: one object, many views."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property
from typing import IO, Any, Literal

from credenza.contracts import AuditResult, FloatArray, Outcome, Verdict
from credenza.errors import UsageError
from credenza.report import frames, text
from credenza.report.rows import HeldWeights, RowWeights, all_weights, row_batches, row_table, scores_of


def _identity(table: Any) -> Any:
    return table


class Audit:
    """The result of an audit, to look at, to save and to act on.

    Parameters
    ----------
    result : plain data of the audit.
    frame_like : turns an Arrow table into the kind of frame that the user gave; Arrow by default.
    row_weights : the final maximum-entropy weights of the suspect's rows, to be streamed; or None.
    weights : the same as an array, shape (n,), where it is in memory already.

    Attributes
    ----------
    result : the plain data.
    weights : array of the weights, shape (n,), made when first read; None where CZ201 did not run.
    verdict : flagged, clear or inconclusive.
    outcomes : what every check said, tuple of Outcome.
    culprits : frame, one row a culprit, strongest first.
    rows : frame, one row for each row of the suspect, with its weight and its scores.
    pairs : frame, one row a listed pair, smallest p first; empty when no pair was tested.

    Notes
    -----
    Frames are built when first read. Views never change the result. All tested pairs are listed, but for very wide
    tables, where the list ends after the strongest: ``result.pairs.tested`` is how many were tested.

    Examples
    --------
    >>> from credenza.contracts import AuditResult, Verdict
    >>> audit = Audit(AuditResult(Verdict.INCONCLUSIVE, (), (), None, (), (), {}, {}, {}))
    >>> audit
    <Audit inconclusive: The associations were not checked, and not checked is not clean.>
    >>> audit.exit_status()
    0
    """

    def __init__(
        self,
        result: AuditResult,
        *,
        frame_like: Callable[[Any], Any] = _identity,
        row_weights: RowWeights | None = None,
        weights: FloatArray | None = None,
    ) -> None:
        self.result = result
        self._row_weights = row_weights if weights is None else HeldWeights(weights)
        self._frame_like = frame_like

    @property
    def verdict(self) -> Verdict:
        """Flagged, clear or inconclusive."""
        return self.result.verdict

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """What every check said, also those that did not run."""
        return self.result.outcomes

    @cached_property
    def culprits(self) -> Any:
        """Frame with one row a culprit, strongest first."""
        return self._frame_like(frames.culprit_table(self.result))

    @cached_property
    def pairs(self) -> Any:
        """Frame with one row a listed pair, smallest p first; ``result.pairs.tested`` says how many were tested."""
        return self._frame_like(frames.pair_table(self.result))

    @cached_property
    def weights(self) -> FloatArray | None:
        """Array of the weights of all rows, 8 bytes a row; None where CZ201 did not run."""
        return None if self._row_weights is None else all_weights(self._row_weights)

    @cached_property
    def rows(self) -> Any:
        """Frame with one row for each row of the suspect; see :func:`credenza.report.rows.row_batches`.

        Its columns: row; weight and score (the share of foreign rows like it) of CZ201; the scores of every other check
        that scored rows, by its code; combined and agreement of the checks of single rows.

        Raises
        ------
        UsageError
            If neither CZ201 nor a check that scores rows did run.
        """
        return self._frame_like(row_table(self._row_weights, scores_of(self.outcomes, self.result.rows)))

    def to_rows(self, path: str | os.PathLike[str]) -> None:
        """Write ``rows`` to a file (by way of a temporary one) a batch at a time, in the format that its suffix names.

        Parameters
        ----------
        path : target, such as scores.parquet; see :func:`credenza.data.write_table` for the formats. Memory: one batch.

        Raises
        ------
        UsageError
            If nothing scored rows, or for an unknown suffix or a missing folder.
        """
        from credenza.data.write import write_table

        write_table(row_batches(self._row_weights, scores_of(self.outcomes, self.result.rows)), path)

    def shifts(self, feature: str) -> Any:
        """How this feature's association with the others moved.

        Parameters
        ----------
        feature : name of an audited column.

        Returns
        -------
        frame
            The rows of ``pairs`` with this feature, turned so that it is ``feature_a``; largest absolute
            strength first. Only listed pairs: of a very wide table the strongest. Cost O(listed pairs).

        Raises
        ------
        UsageError
            If the feature is unknown (near misses are named) or was skipped, or none of its pairs is listed.
        """
        return self._frame_like(frames.shift_table(self.result, feature))

    def to_dict(self) -> dict[str, Any]:
        """The audit as plain data, schema ``credenza.audit/1``."""
        from credenza.report.json import to_dict

        return to_dict(self.result)

    def to_json(self, path: str | os.PathLike[str] | None = None, *, indent: int | None = 2) -> str:
        """The audit as JSON text; also written to ``path`` if given (by way of a temporary file)."""
        from credenza.report.json import to_json

        return _written(to_json(self.result, indent=indent), path)

    def to_html(self, path: str | os.PathLike[str] | None = None) -> str:
        """The audit as one self-contained HTML page; also written to ``path`` if given."""
        from credenza.report.html import page

        return _written(page(self.result), path)

    def show(self, file: IO[str] | None = None) -> None:
        """Print a summary to ``file`` (standard output by default); colour only on a terminal."""
        from rich.console import Console

        from credenza.report.terminal import render

        render(self.result, Console(file=file, highlight=False, markup=False, emoji=False))

    def exit_status(self, fail_on: Literal["alarm", "notice"] = "alarm") -> int:
        """0 or 1, as the command line exits: 1 on any alarm, or on any finding if ``fail_on`` is "notice".

        Raises
        ------
        UsageError
            If ``fail_on`` is neither.
        """
        if fail_on not in ("alarm", "notice"):
            raise UsageError(f"fail_on must be 'alarm' or 'notice', found {fail_on!r}")
        found = text.findings(self.result) if fail_on == "notice" else text.alarms(self.result)
        return int(self.verdict is Verdict.FLAGGED or bool(found))

    def _repr_html_(self) -> str:
        from credenza.report.html import card

        return card(self.result)

    def __repr__(self) -> str:
        return f"<Audit {self.verdict}: {text.headline(self.result)}>"


def _written(content: str, path: str | os.PathLike[str] | None) -> str:
    if path is not None:
        from credenza.data.write import write_text

        write_text(content, path)
    return content
