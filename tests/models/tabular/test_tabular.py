"""The room's front page: sorted names, loaded late."""

from __future__ import annotations

import subprocess
import sys

import pytest

from credenza.models import tabular


def test_names_are_sorted_and_load() -> None:
    assert tabular.__all__ == sorted(tabular.__all__)
    assert set(tabular.__all__) <= set(dir(tabular))
    for name in tabular.__all__:
        assert getattr(tabular, name).__name__ == name


def test_an_unknown_name_is_one_line() -> None:
    with pytest.raises(
        AttributeError,
        match=r"^module 'credenza.models.tabular' has no attribute 'X'; its names are ByClass, ChowLiu, ",
    ):
        _ = tabular.X


def test_the_tree_and_the_copula_do_without_torch() -> None:
    code = "import sys; from credenza.models.tabular import ChowLiu, GaussianCopula; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
