"""Models that the user brings: pictures or texts in, numbers out, a batch at a time."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from credenza.errors import CredenzaError, InputError, MissingExtraError
from credenza.models.embedding.model_files import ModelForm, model_form
from credenza.models.store import DESCRIPTION

Run = Callable[[Any], Any]
MOST_WORDS = 160
CLASSIFIERS = ("label-network", "attribute-classifier")


class Foreign(Protocol):
    """A model from a file.

    Attributes
    ----------
    takes : "images" or "text". name : to show.
    size : (H, W) of the pictures that it takes; None where the first one decides.
    """

    takes: str
    name: str
    size: tuple[int, int] | None

    def __call__(self, batch: Any) -> Any:
        """Numbers (b, d) of pictures uint8 (b, H, W, 3), or of so many texts."""
        ...


def open_model(path: Path) -> Foreign:
    """Open a model; what it is is told by its content, see :func:`model_form`.

    TorchScript and ONNX models take floats in [0, 1] of shape (b, 3, H, W), red, green, blue; what they are normalised
    by belongs inside. They return (b, d).

    Raises
    ------
    InputError : no model that is read, a damaged one, or one that takes something else. MissingExtraError : what runs
        it is not installed.
    """
    form = model_form(path)
    if form is ModelForm.TORCHSCRIPT:
        return _Script(path)
    if form is ModelForm.ONNX:
        return _Onnx(path)
    return _Own(path) if form is ModelForm.OURS else _Sentences(path)


def run_model(model: Foreign, batch: Any) -> Any:
    """What the model says of a batch; InputError in one line where it fails."""
    try:
        return model(batch)
    except CredenzaError:
        raise
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError, NotImplementedError) as error:
        raise InputError(_refused(model, batch, error)) from error
    except runtime_errors() as error:
        raise InputError(_refused(model, batch, error)) from error


def runtime_errors() -> tuple[type[BaseException], ...]:
    """What onnxruntime raises, where it is loaded; its errors share no base but Exception."""
    try:
        state: Any = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    except ImportError:
        return ()
    return tuple(
        kind for kind in vars(state).values() if isinstance(kind, type) and issubclass(kind, Exception)
    )


def as_floats(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Pictures (b, H, W, 3) as floats in [0, 1], (b, 3, H, W).

    >>> as_floats(np.full((1, 2, 4, 3), 255, np.uint8)).shape
    (1, 3, 2, 4)
    """
    return np.ascontiguousarray(pictures.transpose(0, 3, 1, 2), np.float32) / np.float32(255)


class _Script:
    takes = "images"

    def __init__(self, path: Path) -> None:
        torch = _needed("torch", "TorchScript models", "torch")
        self.name = path.name
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore", DeprecationWarning
            )  # torch prefers a format that is a pickle in part
            try:
                self._module = torch.jit.load(str(path), map_location="cpu").eval()
            except (RuntimeError, ValueError) as error:
                raise InputError(
                    f"model {str(path)!r} is damaged ({_short(error)}); export it again"
                ) from error
        side = getattr(self._module, "image_size", None)
        self.size = (side, side) if isinstance(side, int) and side > 0 else None
        self._torch = torch

    def __call__(self, batch: Any) -> Any:
        with self._torch.inference_mode(), warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            try:
                found = self._module(self._torch.from_numpy(as_floats(batch)))
            except self._torch.jit.Error as error:
                raise InputError(_refused(self, batch, error)) from error
        if not isinstance(found, self._torch.Tensor):
            kind = type(found).__name__
            raise InputError(f"the model {self.name} returns a {kind}; it must return one tensor (n, d)")
        return found.float().numpy()


class _Onnx:
    takes = "images"

    def __init__(self, path: Path) -> None:
        runtime = _needed("onnxruntime", "ONNX models", "onnx")
        self.name = path.name
        failures: tuple[type[BaseException], ...] = (RuntimeError, ValueError, *runtime_errors())
        options = runtime.SessionOptions()
        options.log_severity_level = 4
        try:
            self._session = runtime.InferenceSession(
                str(path), sess_options=options, providers=["CPUExecutionProvider"]
            )
        except failures as error:
            raise InputError(f"model {str(path)!r} is no ONNX model, or damaged ({_short(error)})") from error
        inputs = self._session.get_inputs()
        shape = inputs[0].shape if inputs else []
        if len(inputs) != 1 or len(shape) != 4:
            found = ", ".join(f"{given.name} {given.shape}" for given in inputs) or "none"
            raise InputError(
                f"the model {self.name} takes {found}; it must take one input of shape (n, 3, H, W)"
            )
        self._input, sides = inputs[0].name, shape[2:]
        fixed = all(isinstance(side, int) and side > 0 for side in sides)
        self.size = (sides[0], sides[1]) if fixed else None

    def __call__(self, batch: Any) -> Any:
        return self._session.run(None, {self._input: as_floats(batch)})[0]


class _Own:
    takes = "images"
    name: str
    size: tuple[int, int] | None

    def __init__(self, path: Path) -> None:
        from credenza.models.store import model_kind

        self.name = path.name
        kind = model_kind(path)
        if kind not in CLASSIFIERS:
            raise InputError(
                f"model {str(path)!r} is of kind {kind!r}; embeddings are made by {' or '.join(map(repr, CLASSIFIERS))}"
            )
        _needed("torch", "models of images", "torch")
        if kind == CLASSIFIERS[0]:
            from credenza.models.embedding.network import LabelNetwork

            own = LabelNetwork.load(path)
            self._features: Run = own.features
            height, width, channels = own.shape
        else:
            from credenza.models.classifier import AttributeClassifier

            other = AttributeClassifier.load(path)
            self._features = other.features
            height, width, channels = other._shape
        if channels != 3:
            raise InputError(
                f"model {str(path)!r} is of grey images; one of colour images is needed ({DESCRIPTION})"
            )
        self.size = (height, width)

    def __call__(self, batch: Any) -> Any:
        return self._features(np.ascontiguousarray(batch))


class _Sentences:
    takes = "text"
    size: tuple[int, int] | None = None

    def __init__(self, path: Path) -> None:
        library = _needed("sentence_transformers", "sentence-transformers models", "text")
        self.name = path.name
        try:
            self._model = library.SentenceTransformer(
                str(path),
                device="cpu",
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
        except (OSError, ValueError, RuntimeError, KeyError) as error:
            raise InputError(
                f"model {str(path)!r} cannot be opened ({_short(error)}); save it again"
            ) from error

    def __call__(self, batch: Sequence[str]) -> Any:
        return self._model.encode(list(batch), batch_size=64, show_progress_bar=False, convert_to_numpy=True)


def _needed(library: str, what: str, extra: str) -> Any:
    try:
        return import_module(library)
    except ImportError as error:
        raise MissingExtraError(
            f"{what} need {library}, which is not installed: pip install 'credenza[{extra}]'"
        ) from error


def _refused(model: Foreign, batch: Any, error: BaseException) -> str:
    what = "texts" if model.takes == "text" else f"pictures of shape {(len(batch), 3, *np.shape(batch)[1:3])}"
    return f"the model {model.name} does not take {what}: {_short(error)}"


def _short(error: BaseException) -> str:
    """The last line of an error, where interpreters of models say what was wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return lines[-1][-MOST_WORDS:].rstrip(".")
