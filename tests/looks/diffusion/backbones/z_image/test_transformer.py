"""Z-Image's keys are the pictures that diffusers' own pipelines make, batched, resumed and agreeing."""

from __future__ import annotations

import sys
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

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


def ours(look, picture, silent) -> np.ndarray:
    """The key's picture before it is brought to its frame's depth, [h, w, 3] in 0..1."""
    kept = []
    right = Maker.make

    def watched(self, rows, relation, tick):
        made = right(self, rows, relation, tick)
        kept.extend(made)
        return made

    Maker.make = watched
    try:
        make(look, [picture], [Key(0)], silent)
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
