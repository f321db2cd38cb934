"""What docs/diffusion.md says to be as in A1111: a test for each row of its table that no other file has."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.checkpoints.file_lists import read_tags, without_tags
from restrip.looks.diffusion.checkpoints.finding import find_checkpoint
from restrip.looks.diffusion.conditioning.tokenizer import clip_tokenizer
from restrip.looks.diffusion.sampling import inversion
from restrip.looks.diffusion.sampling.denoiser import Denoiser
from restrip.looks.diffusion.sampling.philox import GpuLikeNoise
from restrip.looks.diffusion.sampling.samplers import euler, lcm
from restrip.looks.diffusion.sampling.schedules import LCM_STEPS, Schedule
from restrip.looks.diffusion.sampling.seed_noise import SeedNoise
from restrip.timeline import Key

SD = Schedule()
KEPT = 1 / (1 + SD.sigma(np.arange(1000)) ** 2)  # alpha-bar of each training step
FAST = {"steps": 6, "denoising_strength": 0.6, "cfg_scale": 2.0, "width": 64, "height": 48, "anchor": False}


def network(x: np.ndarray, t: float) -> np.ndarray:
    """Noise that some network would see in a state of kept signal and noise on a circle."""
    return np.sin(3 * x + t / 200) * 0.7


@pytest.mark.parametrize(("steps", "strength", "count"), [(20, 0.5, 9), (30, 0.75, 21), (50, 1.0, 48), (20, 0.1, 1)])
def test_ddims_steps(steps: int, strength: float, count: int) -> None:
    """Its loop since version 1.6, in its own variables: noise at step number n of the list, asked from n - 1 down."""
    asked: list[float] = []
    z, noise = np.random.default_rng(0).normal(size=(2, 16))
    times = np.minimum(np.arange(0, 1000, 1000 // steps) + 1, 999)
    entered = int(min(strength, 0.999) * steps)
    x = z * math.sqrt(KEPT[times[entered]]) + noise * math.sqrt(1 - KEPT[times[entered]])
    for index in range(entered - 1, 0, -1):
        now, after = KEPT[times[index]], KEPT[times[index - 1]]
        eps = network(x, times[index])
        asked.append(float(times[index]))
        picture = (x - math.sqrt(1 - now) * eps) / math.sqrt(now)
        x = math.sqrt(after) * picture + math.sqrt(1 - after) * eps
    entry, sigmas = SD.ddim(steps, strength)
    assert len(sigmas) - 1 == len(asked) == count
    assert SD.step(sigmas[:-1]) == pytest.approx(asked)

    def predict(state: torch.Tensor, i: int) -> torch.Tensor:
        sigma = float(sigmas[i])
        seen = network(state.numpy() / math.sqrt(1 + sigma**2), float(SD.step(sigma)))
        return state - sigma * torch.from_numpy(seen)

    start = torch.from_numpy(z + entry * noise) * math.sqrt((1 + sigmas[0] ** 2) / (1 + entry**2))
    mine = euler(predict, start, sigmas, lambda: start) / math.sqrt(1 + sigmas[-1] ** 2)
    assert mine.numpy() == pytest.approx(x, abs=1e-6)


def test_ddim_in_the_look(picture, silent) -> None:
    look = open_look("sd:tiny", {**FAST, "sampler": "ddim", "steps": 20, "denoising_strength": 0.5})
    facts = look.stylize([picture], [Key(0)], silent.report)[0].facts
    assert facts["evaluations"] == look.estimate((64, 48)).evaluations == 9
    assert facts["sigma_start"] == pytest.approx(float(SD.sigma(451)), rel=1e-5)


def test_lcm_asks_at_one_of_its_50_steps(picture, silent) -> None:
    assert list(LCM_STEPS[[0, 1, -1]]) == [19, 39, 999]
    for step in (19, 25, 500, 749.25, 999):
        snapped = SD.snapped_step(float(SD.sigma(step)))
        assert snapped in LCM_STEPS and abs(snapped - step) <= 11
    table = SD.table("lcm", 4)
    assert table[0] == pytest.approx(SD.sigma(999)) and table[-2] == pytest.approx(SD.sigma(19))
    model = open_model(find_checkpoint("tiny"))
    asked: list[float] = []
    model.network.register_forward_pre_hook(lambda module, args: asked.append(float(args[1][0])))
    cond = model.text.encode("a photo")
    denoiser = Denoiser(model, [cond], [cond], 1.0, snapped=True)
    x = torch.randn(1, 4, 6, 8)
    with torch.inference_mode():
        lcm(lambda x, i: denoiser.clean(x, float(table[i])), x, table, lambda: x)
    assert len(asked) == 4 and set(asked) <= {float(step) for step in LCM_STEPS} and asked[0] == 999


def test_the_alternative_test_counts_its_seed_up_and_recovers_along_even_steps(picture, silent, monkeypatch) -> None:
    """Whatever the sampler's spacing."""
    rising: list[np.ndarray] = []
    plain = inversion.plain

    def watched(eps, clean, sigmas):
        rising.append(sigmas)
        return plain(eps, clean, sigmas)

    monkeypatch.setattr(inversion, "plain", watched)
    seeds: list[list[int]] = []

    class Watched(SeedNoise):
        def __init__(self, numbers, *more) -> None:
            seeds.append(list(numbers))
            super().__init__(numbers, *more)

    monkeypatch.setattr("restrip.looks.diffusion.runtime.model_session.SeedNoise", Watched)
    settings = {**FAST, "noise": "plain", "randomness": 0.4, "seed": 7}
    for sampler in ("euler", "dpmpp_2m_karras"):
        look = open_look("sd:tiny", {**settings, "sampler": sampler})
        look.stylize([picture], [Key(0)], silent.report)
    assert seeds == [[8], [8]]
    assert rising[0] == pytest.approx(SD.table("uniform", 6)[::-1]) and (rising[0] == rising[1]).all()
    seeds.clear()
    look = open_look("sd:tiny", {**settings, "noise": "exact"})  # this one is no rule of A1111's
    look.stylize([picture], [Key(0)], silent.report)
    assert seeds == [[7]]


def test_the_gpus_noise_on_any_machine(picture, silent) -> None:
    shape = (4, 6, 8)
    drawn = SeedNoise([5, 6], shape, torch.device("cpu"), "nv")
    first, second = drawn.draw(), drawn.draw()
    gpu = GpuLikeNoise(6)
    assert np.array_equal(first[1].numpy(), gpu.draw(shape)) and np.array_equal(second[1].numpy(), gpu.draw(shape))
    looks = {source: open_look("sd:tiny", {**FAST, "noise_source": source}) for source in ("cpu", "nv")}
    made = [look.stylize([picture], [Key(0)], silent.report)[0].picture.rgb for look in looks.values()]
    assert np.abs(made[0].astype(int) - made[1]).max() > 8
    assert looks["cpu"].identity() != looks["nv"].identity()


def test_letters_are_composed() -> None:
    tokenizer = clip_tokenizer()
    assert tokenizer.encode("cafe\u0301") == tokenizer.encode("caf\u00e9")


def test_lyco_is_a_tag_as_lora_is() -> None:
    prompt = "a fox <lyco:grain:0.5> and <lora:ink:1>"
    assert [(entry.name, entry.weights) for entry in read_tags(prompt)] == [("grain", (0.5,)), ("ink", (1.0,))]
    assert without_tags(prompt) == "a fox  and "


def test_kept_pictures_of_before_are_not_taken_for_these() -> None:
    """And all others are."""

    def told(**settings: object) -> object:
        return open_look("sd:tiny", {"anchor": False, **settings}).identity().get("revisions")

    assert told() is told(noise="exact") is told(prompt="a (red:1.2) fox") is None
    assert told(sampler="ddim") == ["ddim"] and told(sampler="lcm") == ["lcm"]
    assert told(noise="plain") is None
    assert told(noise="plain", randomness=0.1) == told(noise="adjusted", sampler="euler_a") == ["alternative"]
    assert told(prompt="a BREAK b") == told(negative_prompt=r"a\b") == told(prompt="e\u0301") == ["prompt"]
    assert told(anchor=True, sampler="ddim") == ["ddim", "joined"]
