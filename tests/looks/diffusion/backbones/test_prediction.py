from __future__ import annotations

import pytest
import torch

from restrip.looks.diffusion.backbones.prediction import EPSILON, FLOW, PREDICTIONS, V

Z, N = torch.randn(2, 1, 4, 6, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("sigma", [0.03, 1.0, 14.6, 4000.0])
def test_an_output_that_is_right_leads_to_the_noise(sigma: float) -> None:
    """Each output from its definition in the network's own variables, of a known picture and noise."""
    x = Z + sigma * N
    signal, noise = 1 / (1 + sigma**2) ** 0.5, sigma / (1 + sigma**2) ** 0.5
    outputs = {"epsilon": N, "v_prediction": signal * N - noise * Z, "sample": Z, "flow": N - Z}
    for name, prediction in PREDICTIONS.items():
        assert torch.allclose(prediction.eps(x, sigma, outputs[name]), N, atol=1e-4), name


def test_what_networks_see() -> None:
    sigma = 3.0
    x = Z + sigma * N
    assert torch.allclose(x / EPSILON.scale(sigma), (Z + 3 * N) / 10**0.5)
    assert V.scale(sigma) == EPSILON.scale(sigma)
    assert torch.allclose(x / FLOW.scale(sigma), 0.25 * Z + 0.75 * N)
