"""A picture classifier as the clean-label attacks use it: class scores, representations, gradients."""

from __future__ import annotations

import copy
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from credenza.attacks.clean_label.model_files import load_program
from credenza.contracts import FloatArray
from credenza.errors import InputError, UsageError

BATCH = 128
Tensor = Any
Pictures = NDArray[np.uint8]  # (N, C, H, W), C is 1 (grey) or 3 (red, green, blue)


class Network:
    """A copy of a model in evaluation mode, on the GPU if there is one, fed with pictures.

    Parameters
    ----------
    model : a ``torch.nn.Module``, or the path of an exported program (:func:`load_program`). It takes floats
        in [0, 1] of shape (N, C, H, W), C = 3 for colour and 1 for grey pictures, and returns class scores
        (logits) of shape (N, k). Normalisation belongs inside the model. A program is exported in evaluation
        mode, with the batch size marked as dynamic.

    Attributes
    ----------
    name, sha256 : class or file name; digest of the file, or of names and values of all parameters.
    device : "cpu" or "cuda".
    representation : where :meth:`features` come from, known once they were asked for.

    Raises
    ------
    UsageError : the model is neither a module nor a path. InputError : see :func:`load_program`.

    Notes
    -----
    The model that was given is never changed: neither its mode, nor its device, nor its hooks.
    """

    def __init__(self, model: Any) -> None:
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.representation = ""
        self._seen: list[tuple[str, Tensor]] = []
        self._tapped = False
        self._exported = isinstance(model, str | os.PathLike)
        if self._exported:
            self._module = load_program(model)
            self.name = Path(model).name
            self.sha256 = hashlib.sha256(Path(model).read_bytes()).hexdigest()
        elif isinstance(model, nn.Module):
            self.name, self.sha256 = type(model).__name__, _digest(model)
            with torch.no_grad():  # a TorchScript module would keep a history of the copying
                self._module = copy.deepcopy(model).eval()
        else:
            found = type(model).__name__
            raise UsageError(f"a model is a torch.nn.Module or the path of a .pt2 file; found a {found}")
        self._module.to(self.device)
        for value in self._module.parameters():
            value.requires_grad_(False)
        kinds = [value.dtype for value in self._module.parameters() if value.is_floating_point()]
        self._dtype = kinds[0] if kinds else torch.float32

    def describe(self) -> dict[str, str]:
        """Name, digest and device, as an answer key tells them."""
        return {"name": self.name, "sha256": self.sha256, "device": self.device}

    def tensor(self, pictures: Pictures) -> Tensor:
        """Pictures as the model takes them: value / 255, on its device."""
        return torch.from_numpy(np.ascontiguousarray(pictures)).to(self.device, self._dtype) / 255

    def logits(self, x: Tensor) -> Tensor:
        """Class scores, shape (N, k).

        Raises
        ------
        InputError : the model does not take such pictures, or returns something else.
        """
        try:
            scores = self._module(x)
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:
            reason = " ".join(str(error).split())[:160]
            raise InputError(
                f"the model {self.name} does not take pictures of shape {tuple(x.shape)}: {reason}; "
                "give one that takes floats in [0, 1] of shape (N, C, H, W)"
            ) from error
        if not isinstance(scores, torch.Tensor) or scores.ndim != 2 or len(scores) != len(x):
            shape = tuple(scores.shape) if isinstance(scores, torch.Tensor) else type(scores).__name__
            wanted = f"({len(x)}, number of classes)"
            raise InputError(
                f"the model {self.name} returns {shape} for {len(x)} pictures; it must be {wanted}"
            )
        return scores

    def features(self, x: Tensor) -> Tensor:
        """Representations, shape (N, d).

        They are what the model's method ``features(x)`` returns, if it has one (a submodule of that name does
        not count); else the input of the linear layer that is called last; else the class scores.
        """
        method = getattr(self._module, "features", None)
        if callable(method) and not isinstance(method, nn.Module):
            self.representation = "features(x)"
            return method(x).flatten(1)
        self._tap()
        self._seen.clear()
        scores = self.logits(x)
        self.representation, found = self._seen[-1] if self._seen else ("class scores", scores)
        self._seen.clear()
        return found.flatten(1)

    def gradient(self, loss: Tensor, x: Tensor) -> Tensor:
        """Gradient of a scalar in the pictures.

        Raises
        ------
        InputError : the model cannot be differentiated (quantised, or detached inside).
        """
        try:
            return torch.autograd.grad(loss, x)[0]
        except RuntimeError as error:
            reason = " ".join(str(error).split())[:120]
            raise InputError(
                f"the model {self.name} has no gradient in its input ({reason}); give a differentiable one"
            ) from error

    def _tap(self) -> None:
        """Have every linear layer note its name and input."""
        if self._tapped:
            return
        self._tapped = True
        if isinstance(self._module, torch.jit.ScriptModule):
            raise InputError(
                "the layers of a TorchScript model cannot be observed; give a plain module, a .pt2 file, or a "
                "module with a method features(x)"
            )
        if self._exported:
            _expose(self._module)
        for name, layer in self._module.named_modules():
            if isinstance(layer, nn.Linear) or name.startswith("linear_input_"):
                layer.register_forward_pre_hook(self._noting(name))

    def _noting(self, name: str) -> Callable[[Any, tuple[Any, ...]], None]:
        def note(_: Any, inputs: tuple[Any, ...]) -> None:
            self._seen.append((f"input of {name}", inputs[0]))

        return note


def in_batches(rows: int, size: int = BATCH) -> Iterator[slice]:
    """Slices that cover ``rows`` rows.

    >>> [part.stop for part in in_batches(300)]
    [128, 256, 300]
    """
    return (slice(start, min(start + size, rows)) for start in range(0, rows, size))


def class_scores(network: Network, pictures: Pictures) -> FloatArray:
    """Class scores of pictures, shape (N, k), a batch at a time, without gradients."""
    with torch.no_grad():
        parts = [network.logits(network.tensor(pictures[part])) for part in in_batches(len(pictures))]
    return np.concatenate([part.double().cpu().numpy() for part in parts])


def representations(network: Network, pictures: Pictures) -> FloatArray:
    """Representations of pictures, shape (N, d), a batch at a time, without gradients."""
    with torch.no_grad():
        parts = [network.features(network.tensor(pictures[part])) for part in in_batches(len(pictures))]
    return np.concatenate([part.double().cpu().numpy() for part in parts])


def _expose(module: Any) -> None:
    """Put an identity before each linear operator of an exported graph, so that its input can be observed."""
    graph = module.graph
    linear = [node for node in graph.nodes if node.target is torch.ops.aten.linear.default]
    for number, node in enumerate(linear):
        name = f"linear_input_{number}"
        module.add_submodule(name, nn.Identity())
        with graph.inserting_before(node):
            node.replace_input_with(node.args[0], graph.call_module(name, (node.args[0],)))
    module.recompile()


def _digest(module: Any) -> str:
    digest = hashlib.sha256()
    for name, value in module.state_dict().items():
        digest.update(f"{name} {value.dtype} {tuple(value.shape)}".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
