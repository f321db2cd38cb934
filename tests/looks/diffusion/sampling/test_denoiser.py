from __future__ import annotations

import dataclasses

import diffusers
import pytest
import torch
import transformers
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution

from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.prediction import V
from restrip.looks.diffusion.checkpoints.finding import TINY, Checkpoint, find_checkpoint
from restrip.looks.diffusion.conditioning.inpaint import conditioning
from restrip.looks.diffusion.conditioning.text_encoders import Cond
from restrip.looks.diffusion.sampling.denoiser import Denoiser
from restrip.looks.diffusion.sampling.samplers import euler


def opened(small, family: str, tmp_path):
    made = small(family)
    return open_model(Checkpoint(made.save_folder(tmp_path / family), family, "m"))


@pytest.fixture
def model(small, tmp_path):
    return opened(small, "sd15", tmp_path)


def cond(model, prompt: str) -> Cond:
    return model.text.encode(prompt, 1)


NOISE = torch.randn(3, 4, 12, 16, generator=torch.Generator().manual_seed(0))


def run(denoiser: Denoiser, x: torch.Tensor, sigma: float = 2.0, **more) -> torch.Tensor:
    with torch.inference_mode():
        return denoiser.eps(x, sigma, **more)


def test_guidance_is_its_formula(model) -> None:
    x, one, none = NOISE[:1], cond(model, "a photo"), cond(model, "")
    with_prompt = run(Denoiser(model, [one], [none], 1.0), x)
    without = run(Denoiser(model, [none], [none], 1.0), x)
    guided = run(Denoiser(model, [one], [none], 7.5), x)
    assert torch.allclose(guided, without + 7.5 * (with_prompt - without), atol=1e-5)
    assert torch.allclose(run(Denoiser(model, [one], [none], 7.5), x, guided=False), with_prompt, atol=1e-6)


def test_the_network_sees_the_scaled_state_at_the_training_step(model) -> None:
    seen = {}

    def hook(module, args, kwargs):
        seen.update(sample=args[0], t=args[1])

    model.network.register_forward_pre_hook(hook, with_kwargs=True)
    denoiser = Denoiser(model, [cond(model, "")], [cond(model, "")], 1.0)
    run(denoiser, NOISE[:1], 3.0)
    assert torch.allclose(seen["sample"], NOISE[:1] / 10**0.5)
    assert float(seen["t"]) == pytest.approx(float(model.backbone.schedule.step(3.0)), rel=1e-6)


def test_rows_do_not_see_each_other(model) -> None:
    """Prompts of one and of two chunks side by side, as if each were alone."""
    prompts = ["a photo", "a mosaic BREAK bright", ""]
    none = cond(model, "")
    together = run(Denoiser(model, [cond(model, p) for p in prompts], [none] * 3, 5.0), NOISE)
    for row, prompt in enumerate(prompts):
        alone = run(Denoiser(model, [cond(model, prompt)], [none], 5.0), NOISE[row : row + 1])
        assert torch.allclose(together[row], alone[0], atol=1e-4)


def test_v_prediction(model) -> None:
    """A network that gives v for known noise and picture must lead to that noise."""
    sigma, z, n = 2.0, NOISE[:1], NOISE[1:2]
    scale = (1 + sigma**2) ** 0.5
    v = n / scale - z * sigma / scale

    class Fixed(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(1))

        def forward(self, sample, t, return_dict, **kwargs):
            return (v,)

    backbone = dataclasses.replace(model.backbone, prediction=V, network=Fixed())
    flipped = dataclasses.replace(model, backbone=backbone)
    none = cond(model, "")
    assert torch.allclose(run(Denoiser(flipped, [none], [none], 1.0), z + sigma * n, sigma), n, atol=1e-5)


class TheirSteps:
    """Training steps as another scheduler rounds them: random networks make much of a rounding in the fifth digit."""

    def __init__(self, sigmas, steps) -> None:
        self.sigmas, self.steps = sigmas, steps

    def step(self, sigma: float) -> float:
        return float(self.steps[abs(self.sigmas[: len(self.steps)] - sigma).argmin()])


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_agrees_with_diffusers_scheduler_loop(family: str, small, tmp_path) -> None:
    model = opened(small, family, tmp_path)
    one, none = cond(model, "a photo"), model.text.encode("", 1, negative=True)
    sigmas = model.backbone.schedule.table("uniform", 8)
    scheduler = diffusers.EulerDiscreteScheduler.from_pretrained(tmp_path / family, subfolder="scheduler")
    scheduler.set_timesteps(sigmas=sigmas.tolist())
    x = theirs = NOISE[:1] * float(sigmas[0])
    more = {}
    if family == "sdxl":
        sizes = torch.tensor([[48, 64, 0, 0, 48, 64]] * 2)
        more = {"added_cond_kwargs": {"text_embeds": torch.stack([none.pooled, one.pooled]), "time_ids": sizes}}
    with torch.inference_mode():
        for t in scheduler.timesteps:
            scaled = scheduler.scale_model_input(torch.cat([theirs] * 2), t)
            text = torch.stack([none.tokens, one.tokens])
            a, b = model.network(scaled, t, encoder_hidden_states=text, **more).sample.chunk(2)
            theirs = scheduler.step(a + 4.0 * (b - a), t, theirs).prev_sample
        their_steps = scheduler.timesteps.double().numpy()
        assert model.backbone.schedule.step(sigmas[:-1]) == pytest.approx(their_steps, abs=1e-3)
        model.backbone.schedule = TheirSteps(sigmas, their_steps)
        denoiser = Denoiser(model, [one], [none], 4.0)
        mine = euler(lambda x, i: denoiser.clean(x, float(sigmas[i])), x, sigmas, lambda: x)
    assert float((mine - theirs).abs().max() / theirs.abs().max()) < 1e-4


def test_inpainting_agrees_with_diffusers_pipeline(small, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(DiagonalGaussianDistribution, "sample", lambda self, generator=None: self.mode())
    model = opened(small, "sd15-inpaint", tmp_path)
    picture = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(4)) * 2 - 1
    pipeline = diffusers.StableDiffusionInpaintPipeline(
        vae=model.vae, unet=model.network, text_encoder=model.text.encoders[0].module,
        tokenizer=transformers.CLIPTokenizer.from_pretrained(TINY / "tokenizer"),
        scheduler=diffusers.EulerDiscreteScheduler.from_pretrained(tmp_path / "sd15-inpaint", subfolder="scheduler"),
        safety_checker=None, feature_extractor=None, requires_safety_checker=False,
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    matte = torch.zeros(1, 1, 48, 64)
    matte[..., 16:32, 8:40] = 1
    with torch.inference_mode():
        theirs = pipeline(
            "a photo", image=picture / 2 + 0.5, mask_image=matte, height=48, width=64, strength=1.0,
            num_inference_steps=6, guidance_scale=3.0, latents=NOISE[:1], output_type="latent",
        ).images  # fmt: skip
        # The pipeline's own schedule, so that only the network's input is compared.
        sigmas = pipeline.scheduler.sigmas.double().numpy()
        steps = pipeline.scheduler.timesteps.double().numpy()

        model.backbone.schedule = TheirSteps(sigmas, steps)
        scale = model.vae.config.scaling_factor
        extra = conditioning(picture, matte, 1.0, 4, lambda p: model.vae.encode(p).latent_dist.mode() * scale)
        denoiser = Denoiser(model, [cond(model, "a photo")], [cond(model, "")], 3.0, extra=extra)
        x = NOISE[:1] * float(sigmas[0])
        mine = euler(lambda x, i: denoiser.clean(x, float(sigmas[i])), x, sigmas, lambda: x)
    assert float((mine - theirs).abs().max() / theirs.abs().max()) < 1e-4


@pytest.mark.parametrize("every", [1, 2, 3])
def test_what_the_prompt_changed_is_kept_between_guided_steps(every: int, monkeypatch) -> None:
    model = open_model(find_checkpoint("tiny"))
    cond, none = model.text.encode("a photo", 1), model.text.encode("", 1)
    asked = []
    output = model.backbone.output
    monkeypatch.setattr(
        model.backbone, "output", lambda network, call: asked.append(call.groups) or output(network, call)
    )
    x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(0)) * 3
    with torch.inference_mode():
        plain = Denoiser(model, [cond] * 2, [none] * 2, 5.0)
        whole = [plain.eps(x, sigma) for sigma in (2.0, 1.9, 1.8, 1.7)]
        asked.clear()
        sparing = Denoiser(model, [cond] * 2, [none] * 2, 5.0, guided_every=every)
        kept = [sparing.eps(x, sigma) for sigma in (2.0, 1.9, 1.8, 1.7)]
    assert asked == [2 if n % every == 0 else 1 for n in range(4)]
    without = Denoiser(model, [cond] * 2, [none] * 2, 1.0)
    for n, (a, b) in enumerate(zip(whole, kept, strict=True)):
        if n % every == 0:
            assert torch.equal(a, b)
        else:  # far nearer to the guided noise than without any guidance
            with torch.inference_mode():
                alone = without.eps(x, (2.0, 1.9, 1.8, 1.7)[n])
            assert 0 < (a - b).abs().mean() < 0.6 * (a - alone).abs().mean()
