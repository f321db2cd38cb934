"""Through torch.compile's front, without a code generator, which takes minutes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from restrip.looks.diffusion.runtime.speed.regions import Regions, prepare


class Block(torch.nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.relu(self.layer(x))


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.narrow, self.wide = (torch.nn.ModuleList(Block(n) for _ in range(3)) for n in (4, 8))
        self.between = torch.nn.Linear(4, 8)
        self.label = "a network"

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor]:
        for block in self.narrow:
            x = block(x)
        x = self.between(x)
        for block in self.wide:
            x = block(x)
        return (x,)


@pytest.fixture
def network() -> Network:
    torch.manual_seed(0)
    torch._dynamo.reset()
    return Network().eval().requires_grad_(False)


def test_one_compilation_serves_all_blocks_of_a_shape(network, tmp_path: Path) -> None:
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    fast, x = Regions(network, ("Block",), tmp_path, backend=backend), torch.randn(5, 4)
    for _ in range(3):
        assert torch.equal(fast(x)[0], network(x)[0])
    assert len(graphs) == 2
    assert fast.label == "a network" and "forward" not in vars(network.narrow[0])
    assert torch.equal(fast.ask(network.between, x), network.between(x))
    whole = Regions(network, ("Other",), tmp_path, backend=backend)
    assert torch.equal(whole(x)[0], network(x)[0]) and len(graphs) == 3


@pytest.mark.parametrize("fault", ["wrong", "error"])
def test_where_nothing_can_be_compiled_the_network_is_asked_as_ever(fault: str, network, tmp_path: Path) -> None:
    def backend(graph, inputs):
        if fault == "error":
            raise RuntimeError("no compiler\nmore")
        return lambda *args: [2 * value for value in graph.forward(*args)]

    fast, x = Regions(network, ("Block",), tmp_path, backend=backend), torch.randn(5, 4)
    for _ in range(2):
        assert torch.equal(fast(x)[0], network(x)[0])
    assert fast.failed and "\n" not in fast.failed and "forward" not in vars(network.wide[0])


def test_an_error_of_the_network_stays_its_own(network, tmp_path: Path) -> None:
    fast = Regions(network, ("Block",), tmp_path, backend="eager")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        fast(torch.randn(5, 3))
    assert not fast.failed


def test_what_is_compiled_is_kept_in_the_engines_folder(tmp_path: Path, monkeypatch) -> None:
    for before, kept in (("/tmp/torchinductor_me", str(tmp_path)), ("/my/choice", "/my/choice")):
        monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", before)
        prepare(tmp_path)
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == kept
