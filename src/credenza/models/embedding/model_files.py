"""What a file or folder that is said to hold a model really holds, told by its content; pickles are refused."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from credenza.data.write import one_line
from credenza.errors import InputError
from credenza.models.store import DESCRIPTION

EXPORT = "export the model as TorchScript (torch.jit.save) or ONNX, which hold no objects"
SENTENCES = ("modules.json", "config_sentence_transformers.json")
PICKLES = (".bin", ".pkl", ".pickle", ".pt", ".pth", ".ckpt", ".joblib", ".npy", ".npz", ".h5", ".py")
_HEAD = 64


class ModelForm(StrEnum):
    """Forms that are read."""

    TORCHSCRIPT = "TorchScript"
    ONNX = "ONNX"
    OURS = "credenza"
    SENTENCES = "sentence-transformers"


def model_form(path: Path) -> ModelForm:
    """Which form of model a file or folder has.

    TorchScript is a zip archive with code and constants, which torch reads without Python's unpickler; ``torch.save``
    writes a zip archive (or, formerly, a bare file) of pickled objects; ONNX is a protocol buffer whose first field is
    the version of the format. Nothing is loaded here, and names of files tell nothing but for folders.

    Parameters
    ----------
    path : of a file or folder.

    Raises
    ------
    InputError : nothing there; pickled objects; a file that only holds weights; something else; a folder that holds
        no model, or files beside it that may hold objects or code.

    Examples
    --------
    >>> import pickle, tempfile
    >>> with tempfile.TemporaryDirectory() as name:
    ...     file = Path(name, "net.pt")
    ...     _ = file.write_bytes(pickle.dumps({"weight": 1}))
    ...     try:
    ...         model_form(file)
    ...     except InputError as error:
    ...         print(str(error).split(": ", 1)[1].split(";")[0])
    holds pickled objects, which run code when they are read
    """
    shown = f"model {str(path)!r}"
    if path.is_dir():
        return _folder_form(path, shown)
    if not path.is_file():
        raise InputError(
            f"{shown}: there is no such file or folder; give auto, images, text, table or a path"
        )
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if zipfile.is_zipfile(path):
        return _archive_form(path, shown)
    if _is_pickle(head):
        raise _pickled(shown)
    if head[8:9] == b"{" and int.from_bytes(head[:8], "little") < path.stat().st_size:
        raise InputError(f"{shown} holds weights without a network (safetensors); {EXPORT}")
    if head[:1] == b"\x08" and path.suffix.lower() != ".joblib":
        return ModelForm.ONNX
    raise InputError(f"{shown} is neither TorchScript nor ONNX; {EXPORT}")


def model_digest(path: Path) -> str:
    """SHA-256 (hex) of a file, or of the names and bytes of all files of a folder."""
    total = hashlib.sha256()
    for file in [path] if path.is_file() else sorted(_files(path)):
        name = "" if file == path else file.relative_to(path).as_posix()
        total.update(f"{name}\n{file.stat().st_size}\n".encode())
        with file.open("rb") as opened:
            while chunk := opened.read(1 << 20):
                total.update(chunk)
    return total.hexdigest()


def _folder_form(path: Path, shown: str) -> ModelForm:
    if (path / DESCRIPTION).is_file():
        return ModelForm.OURS
    if not any((path / name).is_file() for name in SENTENCES):
        raise InputError(
            f"{shown} is a folder that holds no model: neither {DESCRIPTION} nor {SENTENCES[0]}; "
            "give one that credenza or sentence-transformers saved"
        )
    risky = sorted(
        file.relative_to(path).as_posix() for file in _files(path) if file.suffix.lower() in PICKLES
    )
    if risky:
        raise InputError(
            f"{shown} holds {risky[0]}, which may hold objects or code; save it as "
            "safetensors, and leave such files out"
        )
    if not any(file.suffix == ".safetensors" for file in _files(path)):
        raise InputError(f"{shown} holds no weights (*.safetensors); save it with safe_serialization=True")
    _require_own_modules(path / SENTENCES[0], shown)
    return ModelForm.SENTENCES


def _require_own_modules(file: Path, shown: str) -> None:
    """Refuse a list of modules that names classes of other libraries, which would be imported."""
    if not file.is_file():
        raise InputError(f"{shown} holds no {SENTENCES[0]}; save it with sentence-transformers")
    try:
        types = [str(module["type"]) for module in json.loads(file.read_text(encoding="utf-8"))]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{shown} has a damaged {file.name} ({one_line(error)}); save it again") from error
    for kind in types:
        if not kind.startswith("sentence_transformers."):
            raise InputError(f"{shown} asks for the class {kind}, which is not run; give a model without it")


def _archive_form(path: Path, shown: str) -> ModelForm:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
            if "constants.pkl" in names and any(name.startswith("code/") for name in names):
                _require_harmless(archive, shown)
                return ModelForm.TORCHSCRIPT
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise InputError(f"{shown} is damaged ({one_line(error)}); export it again") from error
    if any(name.rpartition("/")[2] == "data.pkl" for name in names):
        raise _pickled(shown)
    raise InputError(f"{shown} is a zip archive and no TorchScript; {EXPORT}")


def _require_harmless(archive: zipfile.ZipFile, shown: str) -> None:
    """Refuse TorchScript whose code touches files."""
    for name in archive.namelist():
        if name.endswith(".py") and "/code/" in f"/{name}":
            code = archive.read(name).decode("utf-8", "replace")
            for word in ("torch.save", "torch.from_file", "aten.save", "aten.from_file"):
                if word in code:
                    raise InputError(f"{shown} calls {word}, which touches files; give a model without it")


def _is_pickle(head: bytes) -> bool:
    """Protocols 2 to 5, the forerunners, and the compressed ones of joblib."""
    if head[:1] == b"\x80" and head[1:2] <= b"\x05":
        return True
    compressed = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"x\x9c", b"x\x01", b"x\xda", b"\x04\x22\x4d\x18")
    return head.startswith((*compressed, b"(dp", b"(lp", b"(ip", b"cc", b"c__", b"ccopy_reg", b"csklearn"))


def _pickled(shown: str) -> InputError:
    return InputError(f"{shown}: holds pickled objects, which run code when they are read; {EXPORT}")


def _files(folder: Path) -> Iterator[Path]:
    return (file for file in folder.rglob("*") if file.is_file())
