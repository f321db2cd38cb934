"""What an anchor adds to a key, counted on Stable Diffusion 1.5's own networks, on shapes alone."""

from __future__ import annotations

import json

import diffusers
import torch
from torch.utils.flop_counter import FlopCounterMode

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.loader import CONFIGS
from restrip.looks.diffusion.consistency.anchor_attention import AnchorAttention
from restrip.looks.diffusion.consistency.anchor_features import AnchorBank
from restrip.looks.diffusion.runtime import model_cache
from restrip.timeline import Key

EVALUATIONS, BATCH, GROUPS = 15, 4, 2


def network(kind, part: str):
    with torch.device("meta"):
        config = json.loads((CONFIGS / "sd15" / part / "config.json").read_text())
        return kind.from_config(config).eval().requires_grad_(False)


def operations(work) -> float:
    with FlopCounterMode(display=False) as counter, torch.inference_mode():
        work()
    return float(counter.get_total_flops())


def test_an_anchored_key_costs_little_more_than_one_without() -> None:
    """15 evaluations with CFG at 512, four keys in a batch, each encoded and decoded once: see the test below."""
    unet, vae = network(diffusers.UNet2DConditionModel, "unet"), network(diffusers.AutoencoderKL, "vae")

    def empty(*shape: int) -> torch.Tensor:
        return torch.empty(*shape, device="meta")

    def asked(rows: int) -> float:
        return operations(lambda: unet(empty(rows, 4, 64, 64), empty(rows), empty(rows, 77, 768)))

    attention, bank = AnchorAttention(unet, 1.0, False), AnchorBank()
    with attention.among(unet, bank, 0, 1):  # the anchor itself is a key without one
        plain = BATCH * asked(GROUPS)
        attention.keep(bank)
    with attention.among(unet, bank):
        attention.load(unet, bank)
        anchored = asked(GROUPS * BATCH)
    coded = operations(lambda: vae.encode(empty(1, 3, 512, 512)))
    coded += operations(lambda: vae.decode(empty(1, 4, 64, 64)))
    each = [EVALUATIONS / BATCH * network + coded for network in (plain, anchored)]
    assert 20e12 < each[0] < 35e12, "else not all is counted"
    assert 0.85 < each[0] / each[1] < 1


def test_anchored_keys_ask_the_networks_as_often_as_others(moved, silent, monkeypatch) -> None:
    """One pass of the UNet an evaluation for a batch, the anchor in the first; one encode and one decode a key."""
    asked: list[tuple[str, int]] = []

    def opened(*args, **kwargs):
        model = open_model(*args, **kwargs)
        for name, module in (
            ("unet", model.network.conv_in), ("encode", model.vae.encoder), ("decode", model.vae.decoder),
        ):  # fmt: skip
            module.register_forward_hook(lambda module, args, out, name=name: asked.append((name, len(out))))
        return model

    monkeypatch.setattr(model_cache, "open_model", opened)
    model_cache.unload()
    settings = {"steps": 5, "denoising_strength": 0.6, "cfg_scale": 3.0, "width": 64, "height": 48, "batch": 2}
    frames, keys = [moved(n) for n in range(4)], [Key(n) for n in range(4)]
    passes = {}
    for anchored in (False, True):
        asked.clear()
        anchor = (frames[0], keys[0]) if anchored else None
        open_look("sd:tiny", {**settings, "anchor": anchored}).stylize(frames, keys, silent.report, anchor)
        passes[anchored] = list(asked)
    model_cache.unload()
    assert passes[True] == passes[False]
    assert [rows for name, rows in passes[True] if name == "unet"] == [4] * 4 * 2
    assert [sum(rows for name, rows in passes[True] if name == part) for part in ("encode", "decode")] == [4, 4]
