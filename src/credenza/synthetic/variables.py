"""Templates and the sets of values that their fields are filled in from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from credenza.contracts import FloatArray, IntArray
from credenza.errors import InputError
from credenza.synthetic.draw import distinct_numbers, distinct_tuples
from credenza.synthetic.fields import Fields

Values = Sequence[str] | Mapping[str, float]  # all alike, or each with its weight
Label = str | int | bool


@dataclass(frozen=True)
class Template:
    """A text with fields, and what is said of the rows that are made of it.

    Attributes
    ----------
    id : what rows name it by. text : with fields such as ``{table}``; see :class:`credenza.synthetic.fields.Fields`.
    label : of all its rows, None for none. weight : above 0; its share of the rows is in proportion to it.
    variables : values of fields for this template alone, which go before those that all templates share.
    """

    id: str
    text: str
    label: Label | None = None
    weight: float = 1.0
    variables: Mapping[str, Values] = field(default_factory=dict)


class Fillings:
    """All ways to fill in one template.

    Parameters
    ----------
    template : what is filled in. shared : values of fields by name, for those that the template does not have itself.

    Raises
    ------
    InputError : an odd field (see :class:`Fields`); one without values; values that are empty, come twice, or have a
        weight that is not above 0; a weight of the template that is not.

    Examples
    --------
    >>> ways = Fillings(Template("a", "{x}-{y}-{x}"), {"x": ["1", "2"], "y": {"p": 1.0, "q": 3.0}})
    >>> ways.size, ways.text([1, 0])
    (4, '2-p-2')
    """

    def __init__(self, template: Template, shared: Mapping[str, Values]) -> None:
        where = f"template {template.id!r}"
        require_weight(where, template.weight)
        self.template = template
        self._fields = Fields(template.text, where)
        sets = {**shared, **template.variables}
        for name in self._fields.names:
            if name not in sets:
                known = ", ".join(sets) or "none"
                raise InputError(f"{where} has no values for {{{name}}}; the variable sets are: {known}")
        self.names: tuple[str, ...] = self._fields.names
        self._values = [read_values(name, sets[name]) for name in self.names]
        self.size: int = math.prod(len(values) for values, _ in self._values)

    def text(self, filling: Sequence[int] | IntArray) -> str:
        """The text with the value of each field that ``filling`` (numbers in the order of ``names``) says."""
        chosen = {
            name: values[number]
            for name, (values, _), number in zip(self.names, self._values, filling, strict=True)
        }
        return self._fields.filled(chosen)

    def draw(self, k: int, rng: np.random.Generator) -> list[str]:
        """The texts of ``k`` different fillings, in random order; by their weights where values have any."""
        if self.names and any(weights is not None for _, weights in self._values):
            all_weights = [np.ones(len(values)) if w is None else w for values, w in self._values]
            return [self.text(row) for row in distinct_tuples(all_weights, k, rng).tolist()]
        return [self.text(self.digits(number)) for number in distinct_numbers(self.size, k, rng)]

    def digits(self, number: int) -> list[int]:
        """The filling with this number, 0 .. size - 1; the last field changes fastest."""
        out = []
        for values, _ in reversed(self._values):
            number, digit = divmod(number, len(values))
            out.append(digit)
        return out[::-1]


def read_values(name: str, values: Values) -> tuple[tuple[str, ...], FloatArray | None]:
    """The values of a variable set, and their weights where it has any.

    Raises
    ------
    InputError : no values; one that is not text or comes twice; a weight that is not above 0.

    Examples
    --------
    >>> read_values("user", {"admin": 1, "guest": 3})
    (('admin', 'guest'), array([1., 3.]))
    """
    where = f"variable set {name!r}"
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise InputError(f"{where} is a list of texts, or texts with weights; found {values!r:.80}")
    if not len(values):
        raise InputError(f"{where} is empty; give one value or more")
    listed = tuple(values)
    if len(set(listed)) < len(listed):
        twice = next(value for value in listed if listed.count(value) > 1)
        raise InputError(f"{where} has {twice!r} twice; give it once, with a weight if it is to be frequent")
    if not isinstance(values, Mapping):
        return listed, None
    for value, weight in values.items():
        require_weight(f"value {value!r} of {where}", weight)
    return listed, np.array(list(values.values()), float)


def require_weight(where: str, weight: object) -> None:
    """Raise InputError unless ``weight`` is a finite number above 0."""
    number = isinstance(weight, int | float) and not isinstance(weight, bool)
    if not number or not 0 < weight < math.inf:  # type: ignore[operator]
        raise InputError(f"{where} has the weight {weight!r}; a weight is a number above 0")
