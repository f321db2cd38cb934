"""FLUX.2 klein makes the pictures that diffusers' own pipelines make of the same weights, noise and references."""

from __future__ import annotations

import copy
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import diffusers
import numpy as np
import PIL.Image
import pytest
import torch

from restrip.looks.diffusion.backbones.flux2.klein import KleinBackbone
from restrip.looks.diffusion.backbones.flux2.rows import KLEIN
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.recipe import Recipe
from restrip.looks.diffusion.runtime.image_tensors import to_coded, to_picture
from restrip.looks.diffusion.runtime.key_task import Round, Task
from restrip.looks.diffusion.runtime.memory_plan import OutOfGpuMemory
from restrip.looks.diffusion.runtime.model import Model
from restrip.looks.diffusion.runtime.offload import Offload
from restrip.looks.diffusion.runtime.pipeline import Pipeline
from restrip.looks.diffusion.sampling.schedules import FlowSchedule
from restrip.looks.diffusion.spec import LookSpec
from restrip.looks.diffusion.style_picture import open_style
from restrip.media.frame import Frame
from restrip.progress import silent
from restrip.timeline import Key

sys.path.insert(0, str(Path(__file__).parent))
from small_klein import Spoken, embeddings, transformer, vae

SIZE = 96, 64
PLAIN = {
    "steps": 4, "cfg_scale": 1.0, "prompt": "in oil", "width": SIZE[0], "height": SIZE[1], "denoising_strength": 1.0,
    "anchor_fusion": 0.0, "anchor_color": 0.0, "edit_correction": "off",
}  # fmt: skip


@pytest.fixture(scope="module")
def networks() -> Any:
    return SimpleNamespace(transformer=transformer(), vae=vae())


@pytest.fixture
def opened(networks: Any) -> Any:
    """opened(**settings) is a pipeline of Restrip's for the small model."""

    def open_(network: Any = None, dtype: torch.dtype = torch.float32, **settings: Any) -> Pipeline:
        recipe = Recipe.from_settings({**PLAIN, **settings})
        model = Model("small", KleinBackbone(KLEIN, network or networks.transformer), networks.vae, Spoken())
        model.turns = Offload(torch.device("cpu"), networks={"network": model.network, "vae": model.vae})
        checkpoint, style = Checkpoint(Path("small"), "klein", "small"), open_style(recipe)
        spec = LookSpec(checkpoint, KLEIN, recipe, 1024, "0" * 64, "small", style=style)
        return Pipeline(spec, model, SIZE, dtype)

    return open_


@pytest.fixture(scope="module")
def shot() -> Any:
    """shot(n) is a lively frame whose picture moves by n pixels."""
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    rgb = np.stack([x * 2, y * 3, 128 + 100 * np.sin(x / 5) * np.cos(y / 4)], axis=-1)
    rgb[20:44, 30:60] = (230, 60, 40)
    rgb = rgb.clip(0, 255).astype(np.uint8)
    return lambda n: Frame(np.ascontiguousarray(np.roll(rgb, n, axis=1)))


def pipeline(kind: Any, networks: Any) -> Any:
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
    made = kind(scheduler, networks.vae, None, None, networks.transformer)
    made.set_progress_bar_config(disable=True)
    return made


def image(frame: Frame) -> PIL.Image.Image:
    return PIL.Image.fromarray(frame.rgb)


def theirs(networks: Any, prompt: str, seed: int, pictures: list[PIL.Image.Image], **more: Any) -> np.ndarray:
    """What Flux2KleinPipeline makes, [h, w, 3] in 0..1."""
    made = pipeline(diffusers.Flux2KleinPipeline, networks)(
        image=pictures, prompt_embeds=embeddings(prompt)[None], negative_prompt_embeds=embeddings("")[None],
        width=SIZE[0], height=SIZE[1], num_inference_steps=4, generator=torch.Generator().manual_seed(seed),
        output_type="np", **{"guidance_scale": 1.0, **more},
    )  # fmt: skip
    return made.images[0]


def ours(at: Pipeline, *tasks: Task, anchor: Task | None = None) -> list[np.ndarray]:
    """What the network makes of tasks, as floats [h, w, 3] in 0..1, before a frame's code values round it."""
    made: dict[int, np.ndarray] = {}
    finish = at.finish.frame
    at.finish.frame = lambda task, one, *rest: (
        made.setdefault(id(task), to_coded(one.picture)) is None or finish(task, one, *rest)
    )
    at.stylize(tasks, silent, Round(anchor))
    at.finish.frame = finish
    return [made[id(task)] for task in tasks]


def off(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(one - other).max())


@pytest.mark.parametrize("guidance", [1.0, 3.0])
def test_an_edit_is_what_diffusers_makes_of_the_same_reference(guidance: float, opened, networks, shot) -> None:
    mine = ours(opened(cfg_scale=guidance, seed=5), Task(shot(0), Key(0)))[0]
    reference = theirs(networks, "in oil", 5, [image(shot(0))], guidance_scale=guidance)
    assert off(mine, reference) < 1e-3
    assert off(mine, theirs(networks, "in oil", 5, [image(shot(9))], guidance_scale=guidance)) > 5e-3
    assert off(mine, theirs(networks, "in ink", 5, [image(shot(0))], guidance_scale=guidance)) > 5e-3


def test_the_style_picture_and_the_finished_anchor_are_references_too(opened, networks, shot, tmp_path) -> None:
    """A key = edit(frame, style picture, first finished key)."""
    style = Frame(np.ascontiguousarray(shot(40).rgb[:, :80, ::-1]))
    image(style).save(tmp_path / "style.png")
    at = opened(seed=5, style_picture=str(tmp_path / "style.png"))
    first, second = Task(shot(0), Key(0)), Task(shot(6), Key(10, prompt="in ink", seed=9))
    mine = ours(at, first, second, anchor=first)
    pictures = [image(shot(0)), image(style)]
    assert off(mine[0], theirs(networks, "in oil", 5, pictures)) < 1e-3
    # diffusers takes code values: those of the anchor that Restrip finished.
    coded = (mine[0] * 255 + 0.5).astype(np.uint8)
    at.anchors[first.digest()].left.picture = torch.from_numpy(coded).permute(2, 0, 1) / 127.5 - 1
    at.anchors[first.digest()].left.latents = None
    second = Task(shot(6), Key(20, prompt="in ink", seed=9))
    mine = ours(at, second, anchor=first)
    pictures = [image(shot(6)), image(style), PIL.Image.fromarray(coded)]
    assert off(mine[0], theirs(networks, "in ink", 9, pictures)) < 1e-3
    assert off(mine[0], theirs(networks, "in ink", 9, pictures[:2])) > 5e-3


def inpainted(networks: Any, frame: Frame, matte: np.ndarray, strength: float, seed: int) -> np.ndarray:
    """What Flux2KleinInpaintPipeline makes when its steps are laid below that strength."""
    made = pipeline(diffusers.Flux2KleinInpaintPipeline, networks)
    tokens = SIZE[0] * SIZE[1] // 256
    shift = np.exp(diffusers.pipelines.flux2.pipeline_flux2_klein.compute_empirical_mu(tokens, 4))
    start = strength / (shift - (shift - 1) * strength)  # which the scheduler shifts to the strength
    return made(
        image=image(frame), mask_image=PIL.Image.fromarray(matte), prompt_embeds=embeddings("in oil")[None],
        negative_prompt_embeds=embeddings("")[None], strength=1.0, num_inference_steps=4, guidance_scale=1.0,
        sigmas=list(np.linspace(start, 0, 5)[:-1]), generator=torch.Generator().manual_seed(seed), output_type="np",
        width=SIZE[0], height=SIZE[1],
    ).images[0]  # fmt: skip


@pytest.mark.parametrize("strength", [0.35, 0.8, 1.0])
def test_strength_and_mattes_are_those_of_diffusers_inpainting(strength: float, opened, networks, shot) -> None:
    matte = np.zeros(SIZE[::-1], np.uint8)
    matte[16:48, 32:80] = 255
    at, task = opened(denoising_strength=strength, seed=3), Task(shot(0), Key(0), (matte / 255).astype(np.float32))
    assert off(ours(at, task)[0], inpainted(networks, shot(0), matte, strength, 3)) < 1e-3
    whole = Task(shot(0), Key(0))
    assert off(ours(at, whole)[0], inpainted(networks, shot(0), np.full_like(matte, 255), strength, 3)) < 1e-3


def test_outside_a_matte_the_frame_stays_to_the_bit(opened, shot) -> None:
    matte = np.zeros(SIZE[::-1], np.float32)
    matte[16:48, 32:80] = 1
    made = opened().stylize([Task(shot(0), Key(0), matte)], silent, Round())[0].picture.rgb
    assert np.array_equal(made[matte == 0], shot(0).rgb[matte == 0])
    assert np.abs(made[matte > 0].astype(int) - shot(0).rgb[matte > 0]).mean() > 3


def test_every_strength_starts_elsewhere(opened) -> None:
    sigmas = [float(opened(denoising_strength=n / 20).session.sigmas[0]) for n in range(1, 21)]
    assert sigmas == sorted(set(sigmas))
    assert [round(sigma / (sigma + 1), 2) for sigma in sigmas[:-1]] == [n / 20 for n in range(1, 20)]


def test_the_schedule_is_the_models_own() -> None:
    """At 4 steps and 720p, as the model's authors have it; and as diffusers' scheduler for other sizes and steps."""
    backbone = KleinBackbone(KLEIN, None)
    sigmas = backbone.schedule_at((1280, 720)).sigmas("uniform", 4, 1.0)
    assert np.allclose(sigmas / (sigmas + 1), [1, 0.966, 0.905, 0.760, 0], atol=1e-3)
    for size, steps in (((1024, 1024), 4), ((512, 512), 8), ((2048, 1152), 28)):
        tokens = size[0] * size[1] // 256
        scheduler = diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True)
        mu = diffusers.pipelines.flux2.pipeline_flux2_klein.compute_empirical_mu(tokens, steps)
        scheduler.set_timesteps(sigmas=np.linspace(1, 1 / steps, steps), mu=mu)
        sigmas = backbone.schedule_at(size).sigmas("uniform", steps, 1.0)
        assert np.allclose(sigmas / (sigmas + 1), scheduler.sigmas.numpy(), atol=1e-4)
    assert FlowSchedule(3.0).sigmas("uniform", 4, 0.5)[0] == pytest.approx(1.0)


def test_keys_do_not_depend_on_the_batch_or_on_what_was_made_before(opened, shot) -> None:
    first = Task(shot(0), Key(0))
    tasks = [first, *(Task(shot(n), Key(n, seed=n, prompt="in ink" if n % 4 else None)) for n in (2, 4, 6))]
    together = ours(opened(batch=4), *tasks, anchor=first)
    for n, task in enumerate(tasks):  # a worker that goes on where another one ended makes the anchor again
        assert off(ours(opened(batch=1), task, anchor=first)[0], together[n]) < 1e-4
    assert off(together[1], ours(opened(anchor_attention=0.0), tasks[1], anchor=first)[0]) > 0.01
    again = ours(opened(batch=4), *tasks, anchor=first)
    assert all(np.array_equal(one, other) for one, other in zip(together, again, strict=True))


def test_how_much_a_reference_is_looked_at(opened, shot) -> None:
    """0 is not at all, 1 as it was learnt; between them the picture goes from one to the other."""
    first, other = Task(shot(0), Key(0)), Task(shot(6), Key(10))
    weights = (0.0, 0.02, 0.3, 1.0)
    made = [ours(opened(anchor_attention=weight), first, other, anchor=first)[1] for weight in weights]
    away = [float(np.abs(one - made[0]).mean()) for one in made]
    assert away == sorted(away) and away[1] < 0.5 * away[-1]


def test_the_anchor_of_a_look_file_is_looked_at_too(opened, networks, shot) -> None:
    """It is finished already: nothing is asked for it."""
    frame, picture = shot(30), Frame(np.ascontiguousarray(shot(50).rgb[..., ::-1]))
    at, task = opened(seed=5), Task(shot(0), Key(0))
    mine = ours(at, task, anchor=Task(frame, Key(-1), finished=picture))
    assert off(mine[0], theirs(networks, "in oil", 5, [image(shot(0)), image(picture)])) < 1e-3


class Brittle(torch.nn.Module):
    """A network that fails for want of memory with more than `most` rows, and has no numbers in half precision."""

    def __init__(self, inner: Any, most: int = 99) -> None:
        super().__init__()
        self.inner, self.most, self.asked = inner, most, list[int]()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.config = inner.config

    def forward(self, hidden_states: torch.Tensor, **more: Any) -> Any:
        self.asked.append(len(hidden_states))
        if len(hidden_states) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        out = self.inner.float()(hidden_states=hidden_states.float(), **{k: as_float(v) for k, v in more.items()})[0]
        return (out if self.weight.dtype == torch.float32 else out * float("nan"),)


def as_float(value: Any) -> Any:
    return value.float() if isinstance(value, torch.Tensor) else value


def test_what_does_not_fit_or_hold_is_made_with_less_memory_or_more_precision(opened, networks, shot) -> None:
    first = Task(shot(0), Key(0))
    tasks = [first, *(Task(shot(n), Key(n)) for n in (2, 4, 6))]
    plain = ours(opened(batch=4), *tasks, anchor=first)
    at = opened(network=Brittle(networks.transformer, most=2), batch=4)
    small = ours(at, *tasks, anchor=first)
    assert max(off(one, other) for one, other in zip(small, plain, strict=True)) < 1e-4
    assert [plan.batch for plan in at.memory.reductions] == [4] and max(at.session.model.network.asked) == 3
    with pytest.raises(OutOfGpuMemory) as refused:
        ours(opened(network=Brittle(networks.transformer, most=0)), first)
    assert refused.value.remedy.startswith("Set the working size to")
    at = opened(network=Brittle(copy.deepcopy(networks.transformer)).to(torch.bfloat16), dtype=torch.bfloat16)
    made = at.stylize([first], silent, Round())[0]
    assert made.facts["unet_dtype"] == "float32" and made.facts["retries"] == 1
    assert np.abs(made.picture.rgb / 255 - plain[0]).max() < 0.02


def test_noise_recovered_from_a_frame_leads_back_to_it(opened, networks, shot) -> None:
    exact = {"noise": "exact", "recovery_iterations": 5, "original_prompt": "in oil", "denoising_strength": 0.6}
    task, picture = Task(shot(0), Key(0)), to_picture(shot(0), SIZE)[None]
    with torch.inference_mode():
        frame = to_coded(networks.vae.decode(networks.vae.encode(picture).latent_dist.mode()).sample[0])
    errors = [
        float(np.abs(ours(opened(steps=8, distilled="no", **more), task)[0] - frame).mean())
        for more in (exact, {"denoising_strength": 0.6})
    ]
    assert errors[0] < 3e-3 and errors[0] < 0.2 * errors[1]
