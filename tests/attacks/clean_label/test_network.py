"""What a model is asked, and that it is not changed by it."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

if importlib.util.find_spec("torch") is None:
    pytest.skip("torch is not installed: pip install 'credenza[torch]'", allow_module_level=True)

import torch
from torch import nn

from credenza.attacks.clean_label.network import Network, class_scores, in_batches, representations
from credenza.errors import InputError, UsageError

torch.set_num_threads(1)  # small networks are slower on several
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8)).astype(np.uint8)


class Mlp(nn.Module):
    """Two linear layers, and one that is made last and called first."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(16, 3)
        self.drop = nn.Dropout(0.5)
        self.first = nn.Linear(192, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(torch.relu(self.first(x.flatten(1)))))


def hidden(model: Mlp) -> np.ndarray:
    x = torch.from_numpy(PICTURES).float() / 255
    return torch.relu(model.first(x.flatten(1))).detach().double().numpy()


def test_representations_are_the_input_of_the_linear_layer_called_last() -> None:
    model = Mlp()
    network = Network(model)
    assert np.allclose(representations(network, PICTURES), hidden(model), atol=1e-6)
    assert network.representation == "input of head"


def test_a_method_features_goes_first() -> None:
    class Own(Mlp):
        def features(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :, :2]

    network = Network(Own())
    assert representations(network, PICTURES).shape == (5, 3 * 2 * 8)
    assert network.representation == "features(x)"


def test_a_submodule_of_that_name_does_not() -> None:
    model = Mlp()
    model.features = nn.Identity()
    network = Network(model)
    assert representations(network, PICTURES).shape == (5, 16)


def test_without_linear_layers_the_scores_represent() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 8), nn.Flatten())
    network = Network(model)
    assert np.allclose(representations(network, PICTURES), class_scores(network, PICTURES))
    assert network.representation == "class scores"


def test_the_model_is_left_as_it_was() -> None:
    model = Mlp().train()
    network = Network(model)
    scores = class_scores(network, PICTURES)
    representations(network, PICTURES)
    assert np.array_equal(class_scores(network, PICTURES), scores)  # dropout is off in the copy
    assert model.training
    assert all(value.requires_grad for value in model.parameters())
    assert not any(layer._forward_pre_hooks for layer in model.modules())


def test_the_digest_is_of_the_weights() -> None:
    one, two = Mlp(), Mlp()
    assert Network(one).sha256 == Network(two).sha256
    with torch.no_grad():
        two.head.bias += 1
    assert Network(one).sha256 != Network(two).sha256
    assert Network(one).name == "Mlp"


def test_batches_cover_all_rows() -> None:
    assert [(part.start, part.stop) for part in in_batches(5, 2)] == [(0, 2), (2, 4), (4, 5)]
    assert list(in_batches(0)) == []


def test_a_model_is_a_module_or_a_path() -> None:
    with pytest.raises(UsageError) as caught:
        Network(lambda x: x)
    assert str(caught.value) == "a model is a torch.nn.Module or the path of a .pt2 file; found a function"


def test_a_model_for_other_pictures() -> None:
    with pytest.raises(InputError) as caught:
        class_scores(Network(nn.Linear(7, 2)), PICTURES)
    text = str(caught.value)
    assert text.startswith("the model Linear does not take pictures of shape (5, 3, 8, 8): mat1 and mat2")
    assert text.endswith("; give one that takes floats in [0, 1] of shape (N, C, H, W)")


@pytest.mark.parametrize(
    ("model", "text"),
    [
        (nn.Identity(), "the model Identity returns (5, 3, 8, 8) for 5 pictures"),
        (nn.Flatten(0), "the model Flatten returns (960,) for 5 pictures"),
    ],
)
def test_a_model_that_returns_something_else(model: nn.Module, text: str) -> None:
    with pytest.raises(InputError) as caught:
        class_scores(Network(model), PICTURES)
    assert str(caught.value) == f"{text}; it must be (5, number of classes)"


def test_a_model_without_a_gradient() -> None:
    network = Network(nn.Flatten())
    x = network.tensor(PICTURES).requires_grad_()
    with pytest.raises(InputError) as caught:
        network.gradient(network.logits(x).detach().sum(), x)
    start = "the model Flatten has no gradient in its input ("
    assert str(caught.value).startswith(start)
    assert str(caught.value).endswith("); give a differentiable one")


def test_layers_of_torchscript_cannot_be_observed() -> None:
    with pytest.warns(DeprecationWarning, match="torch.jit"):
        model = torch.jit.script(nn.Sequential(nn.Flatten(), nn.Linear(192, 2)))
    network = Network(model)
    assert class_scores(network, PICTURES).shape == (5, 2)
    with pytest.raises(InputError) as caught:
        representations(network, PICTURES)
    assert str(caught.value) == (
        "the layers of a TorchScript model cannot be observed; give a plain module, a .pt2 file, or a module "
        "with a method features(x)"
    )
