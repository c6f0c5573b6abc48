"""Templates in YAML: text, numbers and lists are read as they are written, and nothing is constructed."""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from credenza.errors import InputError, MissingExtraError
from credenza.synthetic.variables import Label, Template, Values

EXAMPLES = {"sql-injection": Path(__file__).parent / "templates" / "sql_injection.yaml"}
_PLAIN = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "timestamp")}
_TEMPLATE_KEYS = ("id", "text", "label", "weight", "variables")


@dataclass(frozen=True)
class TemplateFile:
    """What a file of templates says; ``about`` is its name and SHA-256."""

    templates: tuple[Template, ...]
    variables: Mapping[str, Values]
    about: Mapping[str, str]


def read_templates(path: str | os.PathLike[str]) -> TemplateFile:
    """Read a YAML file of templates, or one of ``EXAMPLES`` by its name.

    ::

        templates:
          - id: query
            text: "SELECT {column} FROM {table}"
            label: benign              # for all templates or for none
            weight: 2                  # 1 by default
            variables:                 # its own; go before the shared ones
              table: [users]
        variables:
          column: [id, name]           # all alike
          table: {users: 3, orders: 1} # with weights

    Texts and values are taken as they are written: ``no`` and ``2024-01-01`` stay what they look like. Labels that are
    all whole numbers, or all ``true`` and ``false``, become such columns.

    Raises
    ------
    InputError : no such file, not UTF-8, not YAML, a tag that would construct an object, another layout than this one.
    MissingExtraError : PyYAML is not installed.

    Notes
    -----
    The file is composed into a tree of nodes with PyYAML's safe loader and read from there, to a fixed depth: neither
    constructors nor aliases that multiply themselves can be reached.

    Examples
    --------
    >>> found = read_templates("sql-injection")
    >>> sorted({template.label for template in found.templates})
    ['benign', 'malicious']
    """
    file = EXAMPLES.get(os.fspath(path))
    name = os.fspath(path)
    if file is None or Path(path).exists():
        file = Path(path).expanduser()
    if not file.is_file():
        known = ", ".join(EXAMPLES)
        raise InputError(f"no file {name}; give a YAML file of templates, or the name of a set: {known}")
    data = file.read_bytes()
    reader = _Reader(name)
    top = reader.mapping(reader.tree(data), "the file", ("templates", "variables"), ("templates",))
    templates = [reader.template(node) for node in reader.items(top["templates"], "templates")]
    variables = reader.variables(top["variables"]) if "variables" in top else {}
    about = {"templates": name, "templates_sha256": hashlib.sha256(data).hexdigest()}
    return TemplateFile(tuple(_labelled(templates)), variables, about)


class _Reader:
    """Reads nodes of one file; messages say the line."""

    def __init__(self, name: str) -> None:
        self._name = name
        try:
            self._yaml = import_module("yaml")
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "templates are read with PyYAML, which is not installed: pip install 'credenza[synth]'"
            ) from error

    def tree(self, data: bytes) -> Any:
        """The root node."""
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InputError(f"{self._name} is not UTF-8 (byte {error.start}); save it as UTF-8") from error
        try:
            node = self._yaml.compose(text, Loader=self._yaml.SafeLoader)
        except self._yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            line = f" in line {mark.line + 1}" if mark else ""
            problem = " ".join(str(getattr(error, "problem", None) or error).split())
            raise InputError(f"{self._name} is not YAML: {problem}{line}; correct it there") from error
        except RecursionError as error:
            raise InputError(f"{self._name} is nested too deeply; templates need four levels") from error
        if node is None:
            raise InputError(f"{self._name} is empty; give a mapping with the key templates")
        return node

    def wrong(self, node: Any, what: str) -> InputError:
        return InputError(f"{self._name}, line {node.start_mark.line + 1}: {what}")

    def mapping(
        self, node: Any, what: str, known: Sequence[str] | None = None, needed: Sequence[str] = ()
    ) -> dict[str, Any]:
        """Nodes by key; ``known`` None takes any keys."""
        self._refuse_tag(node)
        if not isinstance(node, self._yaml.MappingNode):
            raise self.wrong(node, f"{what} is a mapping of keys to values; found {_kind(node)}")
        found: dict[str, Any] = {}
        for key_node, value in node.value:
            key = self.text(key_node, f"a key of {what}")
            if key in found:
                raise self.wrong(key_node, f"{what} has the key {key!r} twice; keep one")
            if known is not None and key not in known:
                near = difflib.get_close_matches(key, known, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}"
                raise self.wrong(key_node, f"{what} has the key {key!r}, which means nothing; {hint}")
            found[key] = value
        for key in needed:
            if key not in found:
                raise self.wrong(node, f"{what} has no {key!r}; give one")
        return found

    def items(self, node: Any, what: str) -> list[Any]:
        self._refuse_tag(node)
        if not isinstance(node, self._yaml.SequenceNode):
            raise self.wrong(node, f"{what} is a list; found {_kind(node)}")
        return list(node.value)

    def text(self, node: Any, what: str) -> str:
        """A scalar as it is written."""
        self._refuse_tag(node)
        if not isinstance(node, self._yaml.ScalarNode):
            raise self.wrong(node, f"{what} is one text; found {_kind(node)}")
        if node.tag == "tag:yaml.org,2002:null":
            raise self.wrong(node, f"{what} is missing; write '' for an empty text")
        return str(node.value)

    def number(self, node: Any, what: str) -> float:
        text = self.text(node, what)
        try:
            return float(text)
        except ValueError as error:
            raise self.wrong(node, f"{what} is a number above 0; found {text!r}") from error

    def template(self, node: Any) -> Template:
        found = self.mapping(node, "a template", _TEMPLATE_KEYS, ("id", "text"))
        name = self.text(found["id"], "the id of a template")
        what = f"template {name!r}"
        return Template(
            name,
            self.text(found["text"], f"the text of {what}"),
            self.text(found["label"], f"the label of {what}") if "label" in found else None,
            self.number(found["weight"], f"the weight of {what}") if "weight" in found else 1.0,
            self.variables(found["variables"]) if "variables" in found else {},
        )

    def variables(self, node: Any) -> dict[str, Values]:
        sets = self.mapping(node, "variables")
        return {name: self.values(values, f"variable set {name!r}") for name, values in sets.items()}

    def values(self, node: Any, what: str) -> Values:
        self._refuse_tag(node)
        if isinstance(node, self._yaml.MappingNode):
            weights = self.mapping(node, what)
            found: Values = {
                value: self.number(weight, f"the weight of {value!r} in {what}")
                for value, weight in weights.items()
            }
        elif isinstance(node, self._yaml.SequenceNode):
            found = [self.text(value, f"a value of {what}") for value in node.value]
        elif node.tag == "tag:yaml.org,2002:null":
            found = []
        else:
            raise self.wrong(node, f"{what} is a list of values, or values with weights; found one text")
        if not found:
            raise self.wrong(node, f"{what} is empty; give one value or more")
        return found

    def _refuse_tag(self, node: Any) -> None:
        own = "tag:yaml.org,2002:"
        if node.tag not in _PLAIN | {f"{own}map", f"{own}seq", f"{own}null", f"{own}value"}:
            shown = node.tag.replace(own, "!!")
            raise self.wrong(
                node, f"the tag {shown} would construct an object; give plain text, numbers and lists"
            )


def _kind(node: Any) -> str:
    return {"mapping": "a mapping", "sequence": "a list"}.get(node.id, "one text")


def _labelled(templates: Sequence[Template]) -> Iterator[Template]:
    """Labels as whole numbers or as true and false where all are such, else as they are written."""
    written = [template.label for template in templates]
    forms: dict[Any, Label] = {}
    if all(isinstance(label, str) and label in ("true", "false") for label in written):
        forms = {"true": True, "false": False}
    elif all(isinstance(label, str) and label.removeprefix("-").isdecimal() for label in written):
        forms = {label: int(label) for label in written if isinstance(label, str)}
    for template in templates:
        label = forms.get(template.label, template.label)
        yield Template(template.id, template.text, label, template.weight, template.variables)
