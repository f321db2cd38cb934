"""Z-Image's keys are the pictures that diffusers' own pipelines make, batched, resumed and agreeing."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

from restrip.looks import Beside
from restrip.looks.diffusion.backbones.z_image.rows import Z_IMAGE
from restrip.looks.diffusion.conditioning.qwen_text import read_tokenizer
from restrip.looks.diffusion.runtime.image_tensors import to_picture
from restrip.looks.diffusion.runtime.precision_retry import Maker
from restrip.looks.diffusion.sampling.schedules import FlowSchedule
from restrip.timeline import Key

sys.path.insert(0, str(Path(__file__).parent))

SIZE = (64, 48)


def make(look, frames, keys, silent, anchor=None, **more):
    return look.stylize(frames, keys, silent.report, anchor, **more)


def off(a, b) -> int:
    return int(np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max())


def model_of(look, picture):
    return look._studio._workplace(look._studio._size(picture)).model


def pipeline(z_image, places, kind: str):
    parts = {"vae": z_image.vae, "transformer": z_image.transformer, "text_encoder": z_image.text}
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=1.0)  # it is given the sigmas
    tokenizer = read_tokenizer(places.folder / "tokenizer")
    tokenizer.chat_template = (
        "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
        "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
        "{% if not enable_thinking %}<think>\n\n</think>\n\n{% endif %}"
    )
    made = getattr(diffusers, kind)(scheduler=scheduler, tokenizer=tokenizer, **parts)
    made.set_progress_bar_config(disable=True)
    return made


def theirs(z_image, places, look, picture, guidance: float, mask: np.ndarray | None = None) -> np.ndarray:
    """What diffusers makes at our sigmas from our noise, [h, w, 3] in 0..1."""
    recipe = look.recipe
    source = to_picture(picture, SIZE)[None]
    z = (z_image.vae.encode(source).latent_dist.mode() - 0.1159) * 0.3611
    noise = torch.randn(z.shape[1:], generator=torch.Generator().manual_seed(recipe.seed))[None]
    shares = FlowSchedule(3.0).shares(recipe.steps, recipe.denoising_strength)
    pipe = pipeline(z_image, places, "ZImageInpaintPipeline" if mask is not None else "ZImageImg2ImgPipeline")
    more = {}
    if mask is not None:
        more = {"mask_image": torch.from_numpy(mask)[None, None]}
        pipe.prepare_latents = lambda *args: (start, noise, z)
    start = (1 - float(shares[0])) * z + float(shares[0]) * noise
    out = pipe(
        prompt=recipe.prompt, negative_prompt=recipe.negative_prompt, image=source * 0.5 + 0.5, latents=start,
        sigmas=list(shares[:-1]), strength=1.0, guidance_scale=guidance, output_type="np", **more,
    )  # fmt: skip
    return np.asarray(out.images[0])


def ours(look, picture, silent, **more) -> np.ndarray:
    """The key's picture before it is brought to its frame's depth, [h, w, 3] in 0..1."""
    kept = []
    right = Maker.make

    def watched(self, rows, relation, tick):
        made = right(self, rows, relation, tick)
        kept.extend(made)
        return made

    Maker.make = watched
    try:
        make(look, [picture], [Key(0)], silent, **more)
    finally:
        Maker.make = right
    return (kept[0].picture * 0.5 + 0.5).clamp(0, 1).permute(1, 2, 0).numpy()


@pytest.mark.parametrize(("strength", "guidance"), [(0.2, 0.0), (0.6, 0.0), (0.6, 1.5), (0.95, 0.0), (1.0, 0.0)])
def test_a_key_is_the_img2img_pipelines_picture(strength, guidance, z_image, places, z_look, picture, silent) -> None:
    """Their guidance counts from 0, ours from 1."""
    look = z_look(
        denoising_strength=strength, cfg_scale=1 + guidance, negative_prompt="blurry", anchor=False, distilled="no"
    )
    expected = theirs(z_image, places, look, picture, guidance)
    assert np.abs(ours(look, picture, silent) - expected).max() < 1e-3
    assert expected.std() > 0.02


def test_a_matte_is_the_inpaint_pipelines_mask(z_image, places, z_look, picture, silent) -> None:
    mask = np.zeros((48, 64), np.float32)
    mask[16:32, 24:48] = 1  # whole latent pixels: how a mask is made smaller differs
    look = z_look(anchor=False, distilled="no", denoising_strength=0.8)
    expected = theirs(z_image, places, look, picture, 0.0, mask)
    beside = Beside(mattes=[(mask * 255).astype(np.uint8)])
    assert np.abs(ours(look, picture, silent, beside=beside) - expected).max() < 1e-3
    made = make(look, [picture], [Key(0)], silent, beside=beside)[0].picture.rgb
    assert np.array_equal(made[mask == 0], picture.rgb[mask == 0])
    assert np.abs(made[mask > 0].astype(int) - picture.rgb[mask > 0]).mean() > 5


def test_every_step_of_the_slider_is_another_picture(z_look, picture, silent) -> None:
    """Diffusers counts steps: there .4 and .5 are the same picture at 8 of them."""
    made = [make(z_look(denoising_strength=n / 20, anchor=False), [picture], [Key(0)], silent)[0] for n in range(21)]
    sigmas = [one.facts["sigma_start"] for one in made]
    assert sigmas == sorted(set(sigmas)) and len(sigmas) == 21
    assert all(off(one, following) > 3 for one, following in pairwise(made))
    first = made[0].picture.rgb.astype(int)  # what the VAE alone makes of the frame
    distance = [float(np.abs(one.picture.rgb - first).mean()) for one in made[1:]]
    assert distance[0] == min(distance) and distance[:5] == sorted(distance[:5])


def test_the_schedule_is_the_models_own_at_full_strength() -> None:
    shares = FlowSchedule(3.0).shares(8, 1.0)
    assert np.allclose(shares, [1, 0.9545, 0.9, 0.8333, 0.75, 0.6429, 0.5, 0.3, 0], atol=1e-4)
    assert [len(FlowSchedule(3.0).sigmas("auto", 8, n / 20)) for n in range(1, 21)] == [9] * 20


@pytest.mark.parametrize("settings", [{}, {"cfg_scale": 2.0, "negative_prompt": "blurry", "distilled": "no"}])
def test_keys_do_not_depend_on_the_batch(settings, z_look, moved, silent) -> None:
    frames = [moved(n) for n in (0, 2, 4, 7)]
    keys = [Key(0), Key(10, prompt="a much longer prompt than the others have"), Key(20, seed=5), Key(30)]
    anchor = frames[0], keys[0]
    together = make(z_look(batch=4, **settings), frames, keys, silent, anchor)
    alone = [make(z_look(batch=1, **settings), [f], [k], silent, anchor)[0] for f, k in zip(frames, keys, strict=True)]
    assert max(off(a, b) for a, b in zip(together, alone, strict=True)) <= 1
    assert off(together[0], together[1]) > 5
    again = make(z_look(batch=4, **settings), frames, keys, silent, anchor)
    assert max(off(a, b) for a, b in zip(together, again, strict=True)) == 0


def test_noise_recovered_from_a_frame_leads_back_to_it(z_look, picture, silent) -> None:
    settings = {"recovery_iterations": 3, "original_prompt": "a photo", "steps": 12, "anchor": False}
    back = make(z_look(noise="exact", **settings), [picture], [Key(0)], silent)[0].picture.rgb
    vae_alone = make(z_look(denoising_strength=0.0, **settings), [picture], [Key(0)], silent)[0].picture.rgb
    seeded = make(z_look(**settings), [picture], [Key(0)], silent)[0].picture.rgb
    errors = [float(np.abs(one.astype(int) - vae_alone).mean()) for one in (back, seeded)]
    assert errors[0] < 0.1 * errors[1]


def test_a_draft_has_fewer_steps_at_the_same_size(z_look, picture, silent) -> None:
    look = z_look(steps=8, width=128, height=96, anchor=False)
    whole, draft = (make(one, [picture], [Key(0)], silent)[0] for one in (look, look.drafted()))
    assert (
        draft.facts["size"] == whole.facts["size"] and draft.facts["evaluations"] == 3 < whole.facts["evaluations"] == 8
    )


def test_precisions(z_look, picture, silent) -> None:
    """Half precision is never tried, and what isn't finite in bfloat16 is made in full."""
    for asked, used in (("float16", "bfloat16"), ("bfloat16", "bfloat16"), ("float32", "float32")):
        facts = make(z_look(precision=asked, anchor=False), [picture], [Key(0)], silent)[0].facts
        assert facts["unet_dtype"] == used and facts["vae_dtype"] == "float32" and facts["retries"] == 0
    look = z_look(precision="bfloat16", anchor=False)
    make(look, [picture], [Key(0)], silent)

    def broken(module, arguments, out):
        lost = next(module.parameters()).dtype != torch.float32
        return ([row * float("nan") for row in out[0]], *out[1:]) if lost else out

    model_of(look, picture).network.register_forward_hook(broken)
    facts = make(look, [picture], [Key(1, seed=4)], silent)[0].facts
    assert facts["unet_dtype"] == "float32" and facts["retries"] == 1


def test_sizes_are_multiples_of_16(z_look) -> None:
    for frame in ((1920, 1080), (1000, 999), (719, 1280)):
        size = z_look(width=0, height=0).estimate(frame).size
        assert all(side % 16 == 0 for side in size) and size[0] * size[1] <= Z_IMAGE.native_px**2


def test_the_text_encoder_is_freed_before_pictures_are_made(z_look, picture, silent) -> None:
    look = z_look(anchor=False)
    make(look, [picture], [Key(0, prompt="one"), Key(1, prompt="two")][:1], silent)
    text = model_of(look, picture).text
    assert text._module is None and text.loads == 1
    make(look, [picture, picture], [Key(0, prompt="one"), Key(1, prompt="two")], silent)
    assert text.loads == 2  # for the one that is new
    make(look, [picture, picture], [Key(3, prompt="one"), Key(4, prompt="two")], silent)
    assert text.loads == 2


def test_memory_that_runs_out_walks_the_ladder(z_look, moved, silent, monkeypatch) -> None:
    expected = make(z_look(batch=4, anchor=False), [moved(n) for n in range(4)], [Key(n) for n in range(4)], silent)
    look, full = z_look(batch=4, anchor=False), []
    right = Maker.make

    def once(self, rows, relation, tick):
        if len(rows) > 1:
            full.append(len(rows))
            raise torch.OutOfMemoryError
        return right(self, rows, relation, tick)

    monkeypatch.setattr(Maker, "make", once)
    made = make(look, [moved(n) for n in range(4)], [Key(n) for n in range(4)], silent)
    assert full == [4, 2] and made[0].facts["memory"]["batch"] == 1
    assert max(off(a, b) for a, b in zip(made, expected, strict=True)) <= 1
