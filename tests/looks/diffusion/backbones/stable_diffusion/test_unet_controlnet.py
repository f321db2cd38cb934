from __future__ import annotations

from pathlib import Path

import diffusers
import pytest
import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.stable_diffusion.unet_controlnet import ControlNet, added, open_controlnet
from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily, family_of_shapes
from restrip.timeline import Key

FAST = {"steps": 3, "width": 64, "height": 48, "prompt": "a photo", "cfg_scale": 2.0}


@pytest.fixture
def net(small):
    made = diffusers.ControlNetModel.from_unet(small("sd15").unet, conditioning_embedding_out_channels=(4, 4, 4))
    torch.manual_seed(5)
    for parameter in made.parameters():  # its last layers begin at zero
        parameter.data += 0.05 * torch.randn_like(parameter)
    return made.eval().requires_grad_(False)


def test_several_add_up_with_their_weights_in_their_part_of_the_steps(net) -> None:
    sample, text = torch.randn(4, 4, 12, 16), {"encoder_hidden_states": torch.randn(4, 32, 32)}
    seen, t = torch.rand(2, 3, 48, 64), torch.full((4,), 500.0)

    def nets(*files: tuple[float, float, float]):
        return [ControlNet(ControlFile("tile", None, *numbers), net) for numbers in files]  # type: ignore[arg-type]

    with torch.inference_mode():
        one = added(nets((1.0, 0, 1)), [seen])(sample, t, text, 0.5)
        two = added(nets((1.0, 0, 1), (0.5, 0, 1)), [seen, seen])(sample, t, text, 0.5)
        early = added(nets((1.0, 0, 1), (0.5, 0, 0.4)), [seen, seen])(sample, t, text, 0.5)
        assert added(nets((1.0, 0, 0.4)), [seen])(sample, t, text, 0.5) == {}
    middle = "mid_block_additional_residual"
    assert torch.allclose(two[middle], 1.5 * one[middle], atol=1e-5)
    assert torch.allclose(early[middle], one[middle], atol=1e-6)
    for a, b in zip(one["down_block_additional_residuals"], two["down_block_additional_residuals"], strict=True):
        assert torch.allclose(1.5 * a, b, atol=1e-5)


def test_in_the_look(net, small_file, moved, silent, tmp_path) -> None:
    path = small_file()
    net.save_pretrained(tmp_path / "net")
    frames, keys = [moved(0), moved(4)], [Key(0), Key(1)]

    def made(anchor=None, **settings):
        look = open_look(f"sd:{path}", {**FAST, "anchor": anchor is not None, **settings})
        return [one.picture.rgb.astype(int) for one in look.stylize(frames, keys, silent.report, anchor)]

    plain = made()
    for kind in ("canny", "lineart", "softedge", "tile"):
        assert abs(made(controlnet=f"{kind}={tmp_path / 'net'}")[0] - plain[0]).max() > 0
    both = f"canny={tmp_path / 'net'}:0.7, tile={tmp_path / 'net'}:0.3@0-0.5"
    anchor = (frames[0], keys[0])
    for a, b in zip(made(anchor, controlnet=both, batch=1), made(anchor, controlnet=both, batch=2), strict=True):
        assert abs(a - b).max() <= 1
    off = made(controlnet=f"tile={tmp_path / 'net'}:0")
    assert abs(off[0] - plain[0]).max() <= 1
    with pytest.raises(UnknownFamily, match="should be a ControlNet"):
        open_look(f"sd:{path}", {**FAST, "controlnet": f"canny={path}"})


def test_single_files(small, tmp_path) -> None:
    """By the names of the original code, with or without the prefix."""
    unet = small("sd15").unet
    net = diffusers.ControlNetModel.from_unet(unet)
    names = {}
    for name in net.state_dict():
        for new, old in {
            "controlnet_cond_embedding.conv_in": "input_hint_block.0",
            "controlnet_cond_embedding.conv_out": "input_hint_block.14",
            **{f"controlnet_cond_embedding.blocks.{n}": f"input_hint_block.{2 * n + 2}" for n in range(6)},
            **{f"controlnet_down_blocks.{n}": f"zero_convs.{n}.0" for n in range(8)},
            "controlnet_mid_block": "middle_block_out.0",
        }.items():
            if name.startswith(new + "."):
                names[name] = old + name.removeprefix(new)
        names.setdefault(name, name)
    weights = {f"control_model.{rename(new, net)}": net.state_dict()[old].clone() for old, new in names.items()}
    safetensors.torch.save_file(weights, tmp_path / "net.safetensors")
    assert family_of_shapes({name: tuple(value.shape) for name, value in weights.items()}) == "controlnet"
    found = open_controlnet(tmp_path / "net.safetensors", dict(unet.config), torch.float32).state_dict()
    assert all(torch.equal(found[name], value) for name, value in net.state_dict().items())


def rename(name: str, net) -> str:
    """The UNet's half of a ControlNet's names."""
    if name.startswith(("input_hint_block", "zero_convs", "middle_block_out")):
        return name
    for new, old in {
        "time_embedding.linear_1": "time_embed.0", "time_embedding.linear_2": "time_embed.2",
        "conv_in": "input_blocks.0.0", "mid_block.resnets.0": "middle_block.0",
        "mid_block.attentions.0": "middle_block.1", "mid_block.resnets.1": "middle_block.2",
    }.items():  # fmt: skip
        if name.startswith(new + "."):
            return old + part(name.removeprefix(new))
    _, block, kind, layer, rest = name.split(".", 4)
    first = int(block) * (net.config.layers_per_block + 1)
    if kind == "downsamplers":
        return f"input_blocks.{first + net.config.layers_per_block + 1}.0.op.{rest.removeprefix('conv.')}"
    return f"input_blocks.{first + 1 + int(layer)}.{0 if kind == 'resnets' else 1}" + part("." + rest)


def part(rest: str) -> str:
    for new, old in {".norm1.": ".in_layers.0.", ".conv1.": ".in_layers.2.", ".time_emb_proj.": ".emb_layers.1.",
                     ".norm2.": ".out_layers.0.", ".conv2.": ".out_layers.3.",
                     ".conv_shortcut.": ".skip_connection."}.items():  # fmt: skip
        if rest.startswith(new):
            return old + rest.removeprefix(new)
    return rest


def control_of(unet) -> diffusers.ControlNetModel:
    return diffusers.ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(4, 4, 4))


def test_controlnets_from_folders(small, tmp_path: Path) -> None:
    net = control_of(small("sd15").unet)
    net.save_pretrained(tmp_path / "canny")
    found = open_controlnet(tmp_path / "canny", dict(small("sd15").unet.config), torch.float32)
    assert all(torch.equal(found.state_dict()[k], v) for k, v in net.state_dict().items())
    small("sd15").vae.save_pretrained(tmp_path / "vae")
    with pytest.raises(UnknownFamily, match="no ControlNet"):
        open_controlnet(tmp_path / "vae", {}, torch.float32)
