"""The state of torch modules and optimisers as plain arrays, for checkpoints and files, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from credenza.errors import InputError

Arrays = dict[str, NDArray[Any]]


def module_arrays(module: torch.nn.Module, prefix: str = "") -> Arrays:
    """Weights and buffers of a module, by name, each after ``prefix``.

    Examples
    --------
    >>> sorted(module_arrays(torch.nn.Linear(2, 1), "net."))
    ['net.bias', 'net.weight']
    """
    return {prefix + name: _array(value) for name, value in module.state_dict().items()}


def fill_module(module: torch.nn.Module, arrays: Mapping[str, Any], prefix: str = "") -> None:
    """Put arrays from :func:`module_arrays` back into a module of the same form.

    Raises
    ------
    InputError : an array is missing, or has another shape than the module's.
    """
    state = module.state_dict()
    for name, value in state.items():
        found = arrays.get(prefix + name)
        if found is None:
            raise InputError(f"the model's file lacks the tensor {prefix + name!r}; save the model again")
        if tuple(found.shape) != tuple(value.shape):
            raise InputError(
                f"the tensor {prefix + name!r} has the shape {tuple(found.shape)}; its settings ask for "
                f"{tuple(value.shape)}: save the model again"
            )
        state[name] = torch.from_numpy(np.array(found))
    module.load_state_dict(state)


def optimiser_arrays(optimiser: torch.optim.Optimizer, prefix: str = "optimiser.") -> Arrays:
    """What an optimiser remembers of its parameters (for Adam: steps and moments), by the number of the parameter.

    Examples
    --------
    >>> weight = torch.nn.Parameter(torch.ones(2))
    >>> optimiser = torch.optim.AdamW([weight])
    >>> weight.sum().backward()
    >>> optimiser.step()
    >>> sorted(optimiser_arrays(optimiser))
    ['optimiser.0.exp_avg', 'optimiser.0.exp_avg_sq', 'optimiser.0.step']
    """
    found: Arrays = {}
    for number, memory in optimiser.state_dict()["state"].items():
        found |= {f"{prefix}{number}.{name}": _array(value) for name, value in memory.items()}
    return found


def fill_optimiser(
    optimiser: torch.optim.Optimizer, arrays: Mapping[str, Any], prefix: str = "optimiser."
) -> None:
    """Put arrays from :func:`optimiser_arrays` back into an optimiser of the same parameters.

    Each array takes the memory layout of its parameter, so that arithmetic goes on bit for bit as it would have.
    """
    described = optimiser.state_dict()
    parameters = [value for group in optimiser.param_groups for value in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in arrays.items():
        if not key.startswith(prefix):
            continue
        number, name = key[len(prefix) :].split(".", 1)
        tensor, parameter = torch.from_numpy(np.array(value)), parameters[int(number)]
        if tensor.shape == parameter.shape and name != "step":
            tensor = torch.empty_like(parameter, requires_grad=False).copy_(tensor)
        state.setdefault(int(number), {})[name] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": described["param_groups"]})


def _array(value: torch.Tensor) -> NDArray[Any]:
    """A copy as an array in memory order."""
    found: NDArray[Any] = value.detach().to("cpu", copy=True).contiguous().numpy()
    return found
