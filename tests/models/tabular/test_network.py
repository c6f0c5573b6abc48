"""The network of the diffusion model: what it may see, what it may say, and draws from what it says."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from credenza.models.tabular.network import LevelNetwork, drawn_codes, masked_losses

MARGINS = [np.array([5, 5]), np.array([2, 0, 8, 0]), np.array([1, 4, 5])]


def network(seed: int = 0) -> LevelNetwork:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return LevelNetwork(MARGINS, width=16, depth=2)


def test_what_is_covered_is_not_seen() -> None:
    net = network()
    known = torch.tensor([[True, False, False]] * 2)
    one, two = net(torch.tensor([[1, 0, 0], [1, 2, 2]]), known)
    assert torch.equal(one, two)
    shown = net(torch.tensor([[1, 0, 0], [1, 2, 2]]), torch.ones(2, 3, dtype=torch.bool))
    assert not torch.equal(shown[0], shown[1])


def test_levels_without_rows_get_no_probability() -> None:
    shares = network()(torch.zeros(1, 3, dtype=torch.long), torch.zeros(1, 3, dtype=torch.bool)).softmax(-1)[
        0
    ]
    assert (shares > 0).tolist() == [
        [True, True, False, False],
        [True, False, True, False],
        [True, True, True, False],
    ]
    assert shares.sum(1).tolist() == pytest.approx([1, 1, 1])


def test_one_column_at_a_time_says_what_all_at_once_do() -> None:
    net = network()
    levels, known = torch.tensor([[1, 2, 0]]), torch.tensor([[True, False, True]])
    hidden = net.tokens.weight.T[net.places(levels, known)].sum(1) + net.tokens.bias
    whole = net(levels, known)
    for column in range(3):
        alone = net.column_logits(hidden, column)
        assert torch.allclose(alone.softmax(-1), whole[:, column].softmax(-1), atol=1e-6)


def test_the_loss_is_the_mean_over_covered_columns() -> None:
    net = network()
    levels = torch.tensor([[0, 2, 1]] * 400)
    found = float(masked_losses(net, levels, torch.Generator().manual_seed(1)).mean().detach())
    stream = torch.Generator().manual_seed(1)
    places = torch.rand(400, 3, generator=stream).argsort(1)
    drawn = torch.randint(3, (400, 1), generator=stream)
    wanted = 0.0
    for row in range(400):
        known = places[row] < drawn[row]
        logits = net(levels[:1], known[None])[0].log_softmax(-1)
        losses = [-float(logits[c, levels[0, c]].detach()) for c in range(3) if not known[c]]
        wanted += sum(losses) / len(losses) / 400
    assert found == pytest.approx(wanted, rel=1e-5)


def test_draws_follow_the_probabilities_of_the_network() -> None:
    net = network(3)
    codes = drawn_codes(net, 20_000, np.random.default_rng(0))
    shares = np.zeros((2, 4, 3))
    for a, b, c in codes:
        shares[a, b, c] += 1 / 20_000
    assert shares[:, [1, 3]].sum() == 0
    wanted = np.zeros_like(shares)
    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    with torch.no_grad():
        for cell in np.ndindex(*shares.shape):
            levels = torch.tensor([cell])
            for order in orders:
                known = torch.zeros(1, 3, dtype=torch.bool)
                chance = 1.0
                for column in order:
                    chance *= float(net(levels, known).softmax(-1)[0, column, levels[0, column]])
                    known[0, column] = True
                wanted[cell] += chance / 6
    # a few orders only were drawn, so the mixture over orders is met as far as the orders agree
    assert np.abs(shares - wanted).max() < 0.05
    assert codes.dtype == np.uint8
