"""A family that nobody here knew makes keys through the same pipeline: a row, a module, and nothing else."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from restrip.looks import Beside, open_look
from restrip.looks.diffusion.backbones.family import UnsupportedByFamily
from restrip.looks.diffusion.backbones.table import FAMILIES
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint, list_models
from restrip.looks.diffusion.runtime import model_cache
from restrip.looks.diffusion.runtime.image_tensors import to_frame, to_picture
from restrip.looks.diffusion.runtime.memory_needs import FIXED_MIB, fits, needs_mib
from restrip.looks.diffusion.sampling.schedules import FlowSchedule
from restrip.timeline import Key

sys.path.insert(0, str(Path(__file__).parent))
import patchflow

FAST = {"steps": 4, "cfg_scale": 2.5, "prompt": "a photo", "width": 64, "height": 48, "denoising_strength": 0.6}


@pytest.fixture
def file(tmp_path: Path):
    yield patchflow.save(tmp_path / "patchflow.safetensors")
    model_cache.unload()


@pytest.fixture
def look(file, monkeypatch):
    """look(**settings) opens the family's one checkpoint."""
    monkeypatch.setitem(FAMILIES, "patchflow", patchflow.ROW)
    return lambda **settings: open_look(f"sd:{file}", {**FAST, **settings})


def make(look, frames, keys, silent, anchor=None, **more):
    return look.stylize(frames, keys, silent.report, anchor, **more)


def off(a, b) -> int:
    return int(np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max())


def test_without_its_row_it_is_no_model_that_can_be_used(file) -> None:
    with pytest.raises(UnknownFamily):
        find_checkpoint(str(file))


def test_it_is_found_listed_and_counted(look, file) -> None:
    assert [model["family"] for model in list_models(file.parent)] == ["patchflow"]
    assert needs_mib("patchflow", (1024, 1024), 1) == round(FIXED_MIB + 12 + 1.3 * 68)
    assert fits("patchflow", (512, 512), 4000) and not fits("patchflow", (512, 512), 100)
    sized = look(width=0, height=0, pixel_budget=64 * 64)
    estimate = sized.estimate((1920, 1080))
    assert all(side % 8 == 0 for side in estimate.size) and estimate.evaluations == 4


def by_hand(look, frame, key) -> np.ndarray:
    """The flow's own loop, in its own variables: x = (1 - s) z + s n, x += (s_next - s) v."""
    model = patchflow.open_model(look.checkpoint, patchflow.ROW, Path())
    with torch.inference_mode():
        z = (torch.nn.functional.pixel_unshuffle(to_picture(frame, (64, 48))[None], 4) - 0.1) * 1.5
        shares = FlowSchedule(3.0).shares(look.recipe.steps, look.recipe.denoising_strength)
        noise = torch.randn(z.shape[1:], generator=torch.Generator().manual_seed(look.recipe.seed))[None]
        x = (1 - shares[0]) * z + shares[0] * noise
        texts = [model.text.encode(prompt) for prompt in ("", look.recipe.prompt)]
        for s, following in pairwise(shares):
            v = []
            for text in texts:
                seen = torch.ones(1, len(text.tokens) + x.shape[2] * x.shape[3] // 4, dtype=torch.bool)
                v.append(model.network(x.float(), torch.tensor([s]), text.tokens[None], seen))
            x = x + (following - s) * (v[0] + look.recipe.cfg_scale * (v[1] - v[0]))
        picture = torch.nn.functional.pixel_shuffle(x.float() / 1.5 + 0.1, 4)[0]
    return to_frame((picture.clamp(-1, 1) * 0.5 + 0.5).permute(1, 2, 0).numpy(), frame).rgb


@pytest.mark.parametrize("strength", [0.2, 0.6, 1.0])
def test_a_key_is_what_the_flows_own_loop_makes(strength: float, look, picture, silent) -> None:
    opened = look(denoising_strength=strength, anchor=False)
    one = make(opened, [picture], [Key(0)], silent)[0]
    assert np.abs(one.picture.rgb.astype(int) - by_hand(opened, picture, Key(0))).max() <= 1
    assert one.facts["family"] == "patchflow" and one.facts["evaluations"] == 4
    assert one.facts["unet_dtype"] == "float32" and not one.notes


def test_every_strength_is_another_picture(look, picture, silent) -> None:
    made = [make(look(denoising_strength=n / 20, anchor=False), [picture], [Key(0)], silent)[0] for n in range(1, 21)]
    sigmas = [one.facts["sigma_start"] for one in made]
    assert sigmas == sorted(set(sigmas))
    distance = [float(np.abs(one.picture.rgb.astype(int) - picture.rgb).mean()) for one in made]
    assert distance == sorted(distance) and distance[0] < 0.2 * distance[-1]


def test_keys_do_not_depend_on_the_batch(look, moved, silent) -> None:
    frames = [moved(n) for n in (0, 2, 4)]
    keys = [Key(0), Key(10, prompt="a longer prompt than the others"), Key(20, seed=5)]
    anchor = frames[0], keys[0]
    together = make(look(batch=3), frames, keys, silent, anchor)
    alone = [make(look(batch=1), [f], [k], silent, anchor)[0] for f, k in zip(frames, keys, strict=True)]
    assert max(off(a, b) for a, b in zip(together, alone, strict=True)) <= 1
    assert off(together[0], together[1]) > 5


def test_a_matte_keeps_what_lies_outside(look, picture, silent) -> None:
    matte = np.zeros((48, 64), np.uint8)
    matte[16:40, 16:48] = 255
    out = make(look(anchor=False), [picture], [Key(0)], silent, beside=Beside(mattes=[matte]))[0].picture.rgb
    assert np.array_equal(out[matte == 0], picture.rgb[matte == 0])
    assert np.abs(out[matte > 0].astype(int) - picture.rgb[matte > 0]).mean() > 5


def test_noise_recovered_from_a_frame_leads_back_to_it(look, picture, silent) -> None:
    settings = {"noise": "exact", "recovery_iterations": 3, "cfg_scale": 1.0, "original_prompt": "a photo", "steps": 20}
    back = make(look(anchor=False, **settings), [picture], [Key(0)], silent)[0].picture.rgb
    seeded = make(look(anchor=False, cfg_scale=1.0, steps=20), [picture], [Key(0)], silent)[0].picture.rgb
    errors = [float(np.abs(one.astype(int) - picture.rgb).mean()) for one in (back, seeded)]
    assert errors[0] < 1 and errors[0] < 0.05 * errors[1]


def test_what_it_lacks_is_said_or_refused(look, moved, silent, tmp_path: Path) -> None:
    """Anchor attention is on unless asked otherwise: keys are made without it, with a note. The rest was asked for."""
    frames, keys = [moved(0), moved(3)], [Key(0), Key(10)]
    made = make(look(), frames, keys, silent, (frames[0], keys[0]))
    assert made[1].facts["anchor"] == 0 and "no anchor attention" in made[0].notes[0]
    alone = make(look(anchor=False), frames, keys, silent)
    assert off(made[0], alone[0]) <= 1 and off(made[1], alone[1]) > 5  # what the anchor shows is carried all the same
    lora, net = tmp_path / "lora.safetensors", tmp_path / "net.safetensors"
    patchflow.safetensors.torch.save_file({"unet.x.lora_A.weight": torch.zeros(1, 1)}, lora)
    patchflow.safetensors.torch.save_file({"control_model.x": torch.zeros(1)}, net)
    for settings, what in (
        ({"anchor_adain": True}, "anchor attention"),
        ({"lora": str(lora)}, "LoRA"),
        ({"controlnet": f"canny={net}"}, "ControlNet"),
        ({"noise": "plain"}, "noise 'plain'"),
        ({"sampler": "ddim"}, "sampler 'ddim'"),
        ({"schedule": "karras"}, "schedule 'karras'"),
    ):
        with pytest.raises(UnsupportedByFamily, match=f"PatchFlow has no {what} here"):
            look(**settings)


def test_a_backbone_says_what_it_lacks(file) -> None:
    backbone = patchflow.open_model(find_checkpoint_of(file), patchflow.ROW, Path()).backbone
    for ask in (
        lambda: backbone.anchor_attention(None, 1.0, False),
        lambda: backbone.controls((), torch.float32, torch.device("cpu")),
    ):
        with pytest.raises(UnsupportedByFamily):
            ask()
    assert not backbone.inpainting and backbone.layer_of("a_b") == "a_b"


def find_checkpoint_of(file: Path) -> patchflow.Checkpoint:
    return patchflow.Checkpoint(file, "patchflow", "patchflow")


def test_its_precisions_are_its_own(look, picture, silent) -> None:
    """It doesn't hold in half precision, which is never tried."""
    for asked, used in (("float16", "bfloat16"), ("bfloat16", "bfloat16"), ("float32", "float32")):
        facts = make(look(precision=asked, anchor=False), [picture], [Key(0)], silent)[0].facts
        assert facts["unet_dtype"] == used and facts["retries"] == 0
