from __future__ import annotations

import copy

import diffusers
import numpy as np
import pytest
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.runtime.vae import Vae
from restrip.timeline import Key

CPU = Offload(torch.device("cpu"))


def test_the_mode_and_no_sample(small) -> None:
    module = small("sd15").vae
    vae = Vae(module, torch.float32, CPU)
    pictures = torch.rand(3, 3, 48, 64) * 2 - 1
    latents = vae.encode(pictures)
    assert torch.equal(latents, vae.encode(pictures))
    with torch.inference_mode():
        assert torch.allclose(latents, module.encode(pictures).latent_dist.mode() * 0.5, atol=1e-5)
        expected = module.decode(latents / 0.5).sample
    assert torch.allclose(vae.decode(latents), expected, atol=1e-5)


def test_rows_are_the_same_alone_and_together(small) -> None:
    vae = Vae(small("sd15").vae, torch.float32, CPU)
    latents = torch.randn(3, 4, 12, 16)
    assert torch.allclose(vae.decode(latents)[1:2], vae.decode(latents[1:2]), atol=1e-5)


def test_encoding_climbs_where_it_is_asked_to(small) -> None:
    """In half precision the first picture breaks; it alone is encoded again."""
    module = copy.deepcopy(small("sd15").vae)
    asked = []

    def hook(module, args, out):
        asked.append((out.dtype, len(out)))
        return out * torch.tensor([torch.inf, 1])[: len(out), None, None, None].to(out) if len(out) == 2 else out

    module.encoder.register_forward_hook(hook)
    vae = Vae(module, torch.float16, CPU)
    pictures = torch.rand(2, 3, 16, 16) * 2 - 1
    latents = vae.encode_whole(pictures)
    assert asked == [(torch.float16, 2), (torch.float32, 1)] and bool(torch.isfinite(latents).all())
    assert not bool(torch.isfinite(vae.encode(pictures)).all())


def test_a_small_vae_in_the_look(small_file, picture, silent, tmp_path) -> None:
    torch.manual_seed(0)
    tiny = diffusers.AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8), decoder_block_out_channels=(8, 8, 8),
        num_encoder_blocks=(1, 1, 1), num_decoder_blocks=(1, 1, 1),
    )  # fmt: skip
    tiny.save_pretrained(tmp_path / "vae")
    settings = {"steps": 3, "width": 64, "height": 48, "anchor": False}
    path = small_file()
    looks = [open_look(f"sd:{path}", {**settings, **more}) for more in ({}, {"vae": str(tmp_path / "vae")})]
    pictures = [look.stylize([picture], [Key(0)], silent.report)[0].picture.rgb for look in looks]
    assert not np.array_equal(*pictures)
    assert looks[0].identity() != looks[1].identity()


@pytest.mark.parametrize("on", [True, False])
def test_networks_take_turns(on: bool) -> None:
    class Network:
        def __init__(self) -> None:
            self.places: list[str] = []

        def to(self, place: object) -> None:
            self.places.append(str(place))

    unet, vae = Network(), Network()
    turns = Offload(torch.device("cpu", 0), on, networks={"unet": unet, "vae": vae})
    for name in ("vae", "vae", "unet"):
        turns.need(name)
    assert vae.places == (["cpu:0", "cpu"] if on else [])
    assert unet.places == (["cpu", "cpu:0"] if on else [])
