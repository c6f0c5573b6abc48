from __future__ import annotations

import builtins
from typing import Any

import pytest

from credenza.errors import MissingExtraError, UsageError
from credenza.studies.associative.modality import GENERATORS, generator
from credenza.studies.associative.settings import SCALES
from credenza.studies.common.optional import imported


def test_every_generator_of_every_scale_can_be_made() -> None:
    for scale in SCALES.values():
        for experiment in scale.experiments:
            made = generator(experiment.generator, experiment.settings, size=scale.size, device="cpu")
            assert made.kind == experiment.generator
            assert not made.fitted


def test_every_scale_has_clean_models_to_compare_with() -> None:
    for scale in SCALES.values():
        names = [experiment.name for experiment in scale.experiments]
        assert len(set(names)) == len(names)
        assert all("clean" in experiment.conditions for experiment in scale.experiments)


def test_unknown_generators_are_said() -> None:
    with pytest.raises(UsageError) as caught:
        generator("flow", {}, size=16, device="cpu")
    assert str(caught.value) == f"unknown generator 'flow'; choose from {', '.join(GENERATORS)}"


def test_no_gpu_is_said() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UsageError) as caught:
        generator("transformer", {}, size=16, device="cuda")
    assert str(caught.value) == "the device 'cuda' was asked for, and no GPU was found; use 'cpu' or 'auto'"


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: Any) -> Any:
        if name.split(".")[0] in ("torch", "PIL"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    monkeypatch.delitem(__import__("sys").modules, "credenza.models.device", raising=False)
    with pytest.raises(MissingExtraError) as caught:
        imported("credenza.models.device", "pick_device")
    assert str(caught.value) == (
        "this study needs torch, which is not installed: pip install 'credenza[torch]'"
    )


def test_another_missing_module_is_a_defect() -> None:
    with pytest.raises(ModuleNotFoundError):
        imported("credenza.absent", "name")
