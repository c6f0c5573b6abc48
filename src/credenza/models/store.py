"""Models on disk: settings as JSON, arrays as safetensors; whole or not at all, and never a pickle."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from credenza._version import __version__
from credenza.data.write import one_line
from credenza.data.write_output import replacing_folder
from credenza.errors import InputError, MissingExtraError

SCHEMA = "credenza.model/1"
DESCRIPTION, WEIGHTS = "model.json", "weights.safetensors"
_FAMILY = SCHEMA.rsplit("/", 1)[0] + "/"


def write_model(
    folder: str | os.PathLike[str],
    kind: str,
    settings: Mapping[str, Any],
    tensors: Mapping[str, NDArray[Any]],
) -> None:
    """Write a model: ``model.json`` (schema, kind, settings, versions, names of arrays) and ``weights.safetensors``.

    Parameters
    ----------
    folder : a new or empty folder, or one that holds a model and nothing else, which is replaced.
    kind : what sort of model this is, such as "ddpm". settings : JSON-able. tensors : arrays of numbers, by name.

    Raises
    ------
    UsageError : the folder around it does not exist, ``folder`` is a file or holds something else, or there is no room.
    MissingExtraError : safetensors is not installed.

    Notes
    -----
    Written beside ``folder`` and renamed, so that a killed run leaves no half of a model. Checkpoints of a fit want a
    folder of their own.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     write_model(Path(name, "m"), "line", {"degree": 1}, {"slope": np.array([2.0])})
    ...     read_model(Path(name, "m"), "line")
    ({'degree': 1}, {'slope': array([2.])})
    """
    target = Path(folder).expanduser()
    description = {
        "schema": SCHEMA,
        "kind": kind,
        "settings": dict(settings),
        "versions": _versions(),
        "tensors": sorted(tensors),
    }
    text = json.dumps(description, indent=2, allow_nan=False) + "\n"
    data = packed(tensors)
    replaces = _is_model(target)
    fresh = target.with_name(f".{target.name}.{secrets.token_hex(6)}.new") if replaces else target
    with replacing_folder(fresh) as temporary:
        (temporary / DESCRIPTION).write_text(text, encoding="utf-8")
        (temporary / WEIGHTS).write_bytes(data)
    if replaces:
        old = fresh.with_suffix(".old")
        target.rename(old)
        fresh.rename(target)
        shutil.rmtree(old)


def read_model(folder: str | os.PathLike[str], kind: str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Settings and arrays of a model that :func:`write_model` wrote.

    Parameters
    ----------
    folder : of the model. kind : what sort of model is needed.

    Raises
    ------
    InputError : no such folder; no model in it, or one that is damaged, of another kind or of a later version.
    MissingExtraError : safetensors is not installed.
    """
    path = Path(folder).expanduser()
    description = _described(path)
    if description["kind"] != kind:
        raise InputError(f"{path} holds a model of kind {description['kind']!r}; a {kind!r} is needed")
    weights = path / WEIGHTS
    if not weights.is_file():
        raise InputError(f"{path} holds no {WEIGHTS}; give a folder that a model was saved to")
    tensors = unpacked(weights)[0]
    for name in description["tensors"]:
        if name not in tensors:
            raise InputError(
                f"{weights} lacks the tensor {name!r} that {DESCRIPTION} lists; save the model again"
            )
    return description["settings"], tensors


def model_kind(folder: str | os.PathLike[str]) -> str:
    """What sort of model a folder holds, such as "ddpm"; raises as :func:`read_model` where it holds none."""
    return str(_described(Path(folder).expanduser())["kind"])


def packed(tensors: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> bytes:
    """Arrays, and text by name, as the bytes of a safetensors file.

    Raises
    ------
    MissingExtraError : safetensors is not installed.

    Examples
    --------
    >>> packed({"a": np.zeros(2, np.float32)})[8:17]
    b'{"a":{"dt'
    """
    try:
        from safetensors.numpy import save
    except ModuleNotFoundError as error:
        raise _missing() from error
    # In memory order and owned: the format knows no strides.
    whole = {name: np.array(value, order="C") for name, value in tensors.items()}
    data: bytes = save(whole, dict(metadata) if metadata else None)
    return data


def unpacked(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Arrays and text of a safetensors file.

    Raises
    ------
    InputError : the file is damaged, or of another format. MissingExtraError : safetensors is not installed.
    """
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise _missing() from error
    try:
        with safe_open(path, framework="np") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except SafetensorError as error:
        raise InputError(f"{path} is damaged ({one_line(error)}); give a whole safetensors file") from error


def _described(path: Path) -> dict[str, Any]:
    """What model.json says, once it is known to be whole and of a version that can be read."""
    if not path.is_dir():
        raise InputError(f"no folder {path}; give a folder that a model was saved to")
    file = path / DESCRIPTION
    if not file.is_file():
        raise InputError(f"{path} holds no {DESCRIPTION}; give a folder that a model was saved to")
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{file} is not JSON ({one_line(error)}); save the model again") from error
    schema = found.get("schema") if isinstance(found, dict) else None
    if not isinstance(schema, str) or not schema.startswith(_FAMILY):
        raise InputError(f"{file} has the schema {schema!r}; a model has {SCHEMA!r}")
    if schema != SCHEMA:
        raise InputError(f"{file} has the schema {schema!r}; this version reads {SCHEMA!r}: update credenza")
    wanted: dict[str, type] = {"kind": str, "settings": dict, "tensors": list}
    for name, form in wanted.items():
        if not isinstance(found.get(name), form):
            raise InputError(f"{file} is damaged: it says no {name}; save the model again")
    return dict(found)


def _is_model(path: Path) -> bool:
    return path.is_dir() and {file.name for file in path.iterdir()} == {DESCRIPTION, WEIGHTS}


def _versions() -> dict[str, str]:
    found = {"credenza": __version__}
    for name in ("numpy", "torch", "diffusers", "safetensors"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _missing() -> MissingExtraError:
    return MissingExtraError(
        "models are kept with safetensors, which is not installed: pip install 'credenza[torch]'"
    )
