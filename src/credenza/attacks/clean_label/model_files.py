"""Reading an exported torch program (.pt2) without letting the file run code of its own."""

from __future__ import annotations

import ast
import io
import json
import pickle
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from credenza.errors import InputError

ENTRIES = re.compile(
    r"archive_(format|version)|byteorder|version|\.data/(version|serialization_id)|models/\w+\.json"
    r"|data/weights/(weight_\d+|\w+_config\.json)|data/constants/(tensor_\d+|\w+_config\.json)"
    r"|data/sample_inputs/\w+\.pt"
)
OPERATORS = re.compile(
    r"torch\.ops\.(aten|prim|prims|torchvision|higher_order)\.\w+(\.\w+)?|torch\.sym_\w+"
    r"|_operator\.(getitem|add|sub|mul|floordiv|truediv|mod|neg|pow|eq|ne|lt|le|gt|ge|and_|or_)|math\.\w+"
)
NAMES = (
    "name",
    "parameter_name",
    "buffer_name",
    "tensor_constant_name",
    "fqn",
)  # torch writes source with them
FORBIDDEN = ("aten.from_file", "aten.save")
EXPRESSION = (
    ast.Expression, ast.Call, ast.Name, ast.Constant, ast.keyword, ast.Load, ast.BinOp, ast.UnaryOp, ast.Compare,
    ast.operator, ast.unaryop, ast.cmpop, ast.Tuple,
)  # fmt: skip
FUNCTION = re.compile(
    r"Symbol|Integer|Float|Rational|Eq|Ne|Lt|Le|Gt|Ge|Max|Min|Mod|PythonMod|Pow|Add|Mul|Abs|Not|And|Or"
    r"|FloorDiv|CleanDiv|CeilDiv|IntTrueDiv|FloatTrueDiv|CeilToInt|FloorToInt|TruncToInt|ToFloat|PowByNatural"
    r"|FloatPow|Where|ModularIndexing|RoundToInt|RoundDecimal|Identity|StrictLessThan|LessThan|GreaterThan"
    r"|StrictGreaterThan|Equality|Unequality"
)
DAMAGE = (RuntimeError, ValueError, KeyError, AssertionError, TypeError, AttributeError, SyntaxError)


def load_program(path: str | Path) -> Any:
    """Load a ``torch.nn.Module`` from the .pt2 file of an exported program.

    torch's own reader falls back to unrestricted pickle, looks operators up by any dotted name, and evaluates
    the text of symbolic sizes. So the archive is read here first, and refused unless it holds nothing but raw
    tensors, sample inputs that torch's restricted unpickler accepts, a graph of torch's arithmetic operators,
    and sizes that are arithmetic.

    Parameters
    ----------
    path : a file that ``torch.export.save`` of torch 2.8 or later wrote.

    Returns
    -------
    torch.nn.Module : with the weights, on the processor.

    Raises
    ------
    InputError : no such file, not such a file, damaged, or it holds something else; the message names it.

    Notes
    -----
    Guards (checks of the input that the exporting torch wrote as source text) are not run. The check is a
    second lock, not a licence: torch itself asks you to load no model from someone you do not trust. Left
    out: TorchScript, which torch has deprecated (load it yourself and give the module), and checkpoints,
    which hold no architecture.
    """
    shown = str(path)
    if not Path(path).is_file():
        raise InputError(f"there is no model file {shown!r}; check the path")
    try:
        with zipfile.ZipFile(path) as archive:
            _require_plain(archive, shown)
        return torch.export.load(str(path)).module(check_guards=False)
    except InputError:
        raise
    except (zipfile.BadZipFile, *DAMAGE) as error:
        found = f"{shown!r} is no exported program, or damaged ({' '.join(str(error).split())[:120]})"
        raise InputError(f"{found}; give a .pt2 file that torch.export.save wrote") from error


def _require_plain(archive: zipfile.ZipFile, shown: str) -> None:
    entries = [name.partition("/")[2] for name in archive.namelist()]
    if "archive_format" not in entries:
        raise zipfile.BadZipFile("no archive_format in it")
    if len(set(entries)) < len(entries):
        raise zipfile.BadZipFile("two entries of one name")
    for entry, name in zip(entries, archive.namelist(), strict=True):
        if not ENTRIES.fullmatch(entry):
            raise _refused(shown, f"the entry {entry!r}")
        if entry.endswith(".json"):
            _require_plain_json(json.loads(archive.read(name)), shown)
        if entry.endswith(".pt"):
            try:
                torch.load(io.BytesIO(archive.read(name)), weights_only=True)
            except pickle.UnpicklingError as error:
                raise _refused(shown, f"objects in {entry!r}") from error


def _require_plain_json(document: Any, shown: str) -> None:
    for key, value in _entries(document):
        if key == "use_pickle" and value:
            raise _refused(shown, "a pickled tensor")
        operators = [node["target"] for node in value] if key == "nodes" else []
        for target in [value] if key == "as_operator" else operators:
            if not OPERATORS.fullmatch(str(target)) or any(word in str(target) for word in FORBIDDEN):
                raise _refused(shown, f"the operator {target!r}")
        if key == "expr_str" and not _is_arithmetic(value):
            raise _refused(shown, f"the size {value!r}")
        names = value if key == "forward_arg_names" else [value] if key in NAMES else []
        for name in names or ():
            if not re.fullmatch(r"[\w.]*", str(name)):
                raise _refused(shown, f"the name {name!r}")


def _entries(document: Any) -> Iterator[tuple[str, Any]]:
    """Every key and value of nested JSON."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key, value
            yield from _entries(value)
    elif isinstance(document, list):
        for item in document:
            yield from _entries(item)


def _is_arithmetic(text: Any) -> bool:
    """Whether an expression of sizes is made of symbols, numbers and known functions alone."""
    try:
        nodes = list(ast.walk(ast.parse(str(text), mode="eval")))
    except SyntaxError:
        return False
    for node in nodes:
        if not isinstance(node, EXPRESSION):
            return False
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and FUNCTION.fullmatch(node.func.id)
        ):
            return False
        if isinstance(node, ast.Constant) and not (
            isinstance(node.value, int | float | bool) or re.fullmatch(r"\w+", str(node.value))
        ):
            return False
    return True


def _refused(shown: str, what: str) -> InputError:
    reason = f"the model file {shown!r} holds {what}, which may run code when it is read"
    return InputError(f"{reason}; give a program of tensors and torch operators only, or the module itself")
