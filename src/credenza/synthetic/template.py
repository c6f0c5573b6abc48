"""Rows of structured text, such as queries, log lines or settings, from templates with fields."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

import numpy as np
import pyarrow as pa

from credenza.errors import InfeasibleError, InputError
from credenza.models.base import require_seed
from credenza.synthetic.base import SOURCE, TEMPLATE, Synthetic, require_count, require_names
from credenza.synthetic.draw import shared_out
from credenza.synthetic.variables import Fillings, Template, Values, read_values

MOST_LISTED = 2_000_000  # rows of every()
MADE_BY = "synthetic_template"


class TemplateGenerator:
    """Makes rows of text by filling templates in: at random without repeats, or all that there are.

    No text is made twice. Rows are shared out over the templates in proportion to their weights, as exactly as whole
    numbers allow; what a template cannot make goes to the others. Within a template, fillings are drawn without
    repeats, by the weights of values where these have any.

    Parameters
    ----------
    templates : with different ids; all with a label, or none.
    variables : the values of fields by name, a list or a mapping to weights; a template's own go first.
    about : what settings say of where they come from, such as a file and its hash.

    Attributes
    ----------
    size : how many fillings there are; different ones may make the same text, so this is the most that can be made.
    notes : variable sets that no template uses.

    Raises
    ------
    InputError : no templates; two with one id; some with a label and some without; a field without values; values that
        are empty, come twice or have a weight that is not above 0; text in braces that is no plain name.

    Notes
    -----
    Cost of a draw: O(rows) whatever the size of the space, times the number of values where these have weights.
    Text made of templates is predictable: who knows them can shape poison that looks like them, and a model can learn
    the templates instead of the task. Keep the values that are used private, and mix in rows of other origin.
    Left out: values that hold fields themselves, and fields that depend on each other; write another template.

    Examples
    --------
    >>> generator = TemplateGenerator(
    ...     [Template("login", "{user} logged in from {host}", "normal", 3.0),
    ...      Template("guess", "{user} failed {times} times", "attack")],
    ...     {"user": ["ann", "bob"], "host": ["h1", "h2", "h3"], "times": {"5": 1, "50": 9}})
    >>> generator.size
    10
    >>> made = generator.sample(4, seed=0)
    >>> made.data["label"].to_pylist().count("attack"), made.notes
    (1, ())
    >>> generator.every().notes
    ('these are all 10 rows that the templates can make',)
    """

    def __init__(
        self,
        templates: Sequence[Template],
        variables: Mapping[str, Values] | None = None,
        *,
        about: Mapping[str, Any] | None = None,
    ) -> None:
        shared = dict(variables or {})
        _require_templates(templates)
        for name, values in shared.items():
            read_values(name, values)
        self._fillings = [Fillings(template, shared) for template in templates]
        self.size = sum(filling.size for filling in self._fillings)
        self._about = dict(about or {})
        used = {name for filling in self._fillings for name in filling.names}
        unused = [name for name in shared if name not in used]
        self.notes: tuple[str, ...] = tuple(f"no template uses the variable set {name!r}" for name in unused)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """Read templates from a YAML file, or from the set that comes along by its name, "sql-injection".

        See :func:`credenza.synthetic.template_file.read_templates` for the format and the errors raised.

        Examples
        --------
        >>> TemplateGenerator.load("sql-injection").size > 10**7
        True
        """
        from credenza.synthetic.template_file import read_templates

        found = read_templates(path)
        try:
            return cls(found.templates, found.variables, about=found.about)
        except InputError as error:
            raise InputError(f"{found.about['templates']}: {error}") from error

    def sample(self, rows: int, *, seed: int, column: str = "text", labels: str = "label") -> Synthetic:
        """Make ``rows`` different texts at random.

        Parameters
        ----------
        rows : 1 or more. seed : decides all draws. column, labels : what the columns are called.

        Returns
        -------
        Columns ``column``, ``labels`` (where templates have any), ``source`` and ``template_id``, in random order.

        Raises
        ------
        UsageError : a number or a name that cannot be.
        InfeasibleError : more rows than the templates can make.
        InputError : the same text from templates with different labels.
        """
        require_count("rows", rows)
        require_seed(seed)
        require_names(column, labels)
        if rows > self.size:
            raise InfeasibleError(_too_many(rows, self.size))
        found, wanted = self._drawn(rows, seed), rows
        while len(found) < rows and wanted < self.size:  # different fillings made the same text
            wanted = min(self.size, wanted + 2 * (rows - len(found)))
            found = self._drawn(wanted, seed)
        if len(found) < rows:
            raise InfeasibleError(_too_many(rows, len(found)))
        exhausted = len(found) == rows and wanted == self.size
        texts = list(found)
        order = np.random.default_rng([seed, len(self._fillings)]).permutation(len(texts))[:rows]
        chosen = {texts[place]: found[texts[place]] for place in order}
        return self._made(chosen, exhausted, column, labels, {"rows": rows, "seed": seed})

    def every(self, *, column: str = "text", labels: str = "label") -> Synthetic:
        """Make all texts that the templates can make, template by template; weights play no part.

        Raises
        ------
        InfeasibleError : there are more than ``MOST_LISTED`` ways to fill the templates in. InputError : as
            :meth:`sample`.
        """
        require_names(column, labels)
        if self.size > MOST_LISTED:
            raise InfeasibleError(
                f"the templates can be filled in {self.size:,} ways, and {MOST_LISTED:,} can be listed; "
                "give the number of rows to draw"
            )
        found: dict[str, int] = {}
        for place, filling in enumerate(self._fillings):
            self._add(found, place, (filling.text(filling.digits(n)) for n in range(filling.size)))
        return self._made(found, True, column, labels, {"rows": None})

    def _drawn(self, wanted: int, seed: int) -> dict[str, int]:
        """Different texts, with the number of the template that made each."""
        weights = [filling.template.weight for filling in self._fillings]
        counts = shared_out(weights, [filling.size for filling in self._fillings], wanted)
        found: dict[str, int] = {}
        for place, (filling, count) in enumerate(zip(self._fillings, counts, strict=True)):
            if count:
                self._add(found, place, filling.draw(count, np.random.default_rng([seed, place])))
        return found

    def _add(self, found: dict[str, int], place: int, texts: Iterable[str]) -> None:
        own = self._fillings[place].template
        for text in texts:
            other = self._fillings[found.setdefault(text, place)].template
            if other.label != own.label:
                raise InputError(
                    f"templates {other.id!r} ({other.label}) and {own.id!r} ({own.label}) both make {text!r:.80}; "
                    "give them one label, or other values"
                )

    def _made(
        self, found: Mapping[str, int], exhausted: bool, column: str, labels: str, asked: Mapping[str, Any]
    ) -> Synthetic:
        templates = [self._fillings[place].template for place in found.values()]
        columns: dict[str, Any] = {column: pa.array(list(found), pa.string())}
        if self._fillings[0].template.label is not None:
            columns[labels] = pa.array(_of_one_type([template.label for template in templates]))
        columns[SOURCE] = pa.array([MADE_BY] * len(found), pa.string())
        columns[TEMPLATE] = pa.array([template.id for template in templates], pa.string())
        notes = (f"these are all {len(found):,} rows that the templates can make",) if exhausted else ()
        settings = {"maker": "template", **self._about, **asked, "column": column, "labels": labels}
        return Synthetic(pa.table(columns), settings, notes + self.notes)


def _require_templates(templates: Sequence[Template]) -> None:
    if not len(templates):
        raise InputError("no templates; give one or more")
    for template_id, times in Counter(template.id for template in templates).items():
        if times > 1:
            raise InputError(f"{times} templates have the id {template_id!r}; give each its own")
    without = [template.id for template in templates if template.label is None]
    if without and len(without) < len(templates):
        raise InputError(f"template {without[0]!r} has no label and others have; give all a label, or none")


def _of_one_type(labels: Sequence[Any]) -> Iterator[Any]:
    """Labels as they are where all are of one type, else as text."""
    same = len({type(label) for label in labels}) == 1
    return (label if same else str(label) for label in labels)


def _too_many(rows: int, most: int) -> str:
    return (
        f"{rows:,} rows were asked for and the templates can make {most:,}; "
        "ask for fewer, or add templates or values"
    )
