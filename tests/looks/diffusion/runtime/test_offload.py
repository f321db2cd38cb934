from __future__ import annotations

import torch

from restrip.looks.diffusion.backbones.stable_diffusion.rows import SD15
from restrip.looks.diffusion.backbones.stable_diffusion.unet import UnetBackbone
from restrip.looks.diffusion.runtime.model_cache import _place
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.sampling.schedules import Schedule


class Network:
    """Says where it is."""

    def __init__(self) -> None:
        self.device = "meta"

    def to(self, device: torch.device | str) -> None:
        self.device = str(device)


def two() -> tuple[Offload, Network, Network]:
    one, other = Network(), Network()
    return Offload(torch.device("meta"), networks={"network": one, "vae": other}), one, other


def test_only_the_one_asked_for_is_on_the_device() -> None:
    turns, one, other = two()
    turns.need("vae")
    assert (one.device, other.device) == ("meta", "meta")  # nothing is asked of them yet
    turns.take_turns(True)
    turns.need("vae")
    assert (one.device, other.device) == ("cpu", "meta")
    turns.need("network")
    assert (one.device, other.device) == ("meta", "cpu")
    turns.take_turns(False)
    assert (one.device, other.device) == ("meta", "meta")


def test_all_leave_for_something_large_and_come_back() -> None:
    turns, one, other = two()
    assert turns.moves == 0
    with turns.away():
        assert (one.device, other.device) == ("cpu", "cpu")
    assert turns.moves > 0  # where weights lay is known no more
    assert (one.device, other.device) == ("meta", "meta")
    turns.take_turns(True)
    with turns.away():
        pass
    turns.need("vae")
    assert (one.device, other.device) == ("cpu", "meta")


def test_networks_that_do_not_fit_beside_each_other_take_turns_from_the_start(monkeypatch) -> None:
    class Full(Network):
        def to(self, device, **more) -> None:
            if str(device) == "cuda":
                raise torch.OutOfMemoryError
            self.device = str(device)

        def modules(self) -> tuple[()]:
            return ()

    class Loaded:
        network, vae = Full(), Full()
        backbone = UnetBackbone(SD15, network, Schedule())
        turns = Offload(torch.device("cpu"))

    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    model = Loaded()
    _place(model, torch.device("cuda"))
    assert model.turns.active and model.turns.forced and model.network.device == model.vae.device == "cpu"
