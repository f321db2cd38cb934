from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import pytest
import safetensors.torch
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones.opening import open_model
from restrip.looks.diffusion.backbones.stable_diffusion.parametrisation import (
    ASKED,
    EDM_MAX,
    EDM_MIN,
    TELLING,
    Parametrisation,
    of_config,
    of_file,
)
from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily
from restrip.looks.diffusion.checkpoints.finding import Checkpoint
from restrip.looks.diffusion.sampling.denoiser import Denoiser
from restrip.looks.diffusion.sampling.samplers import euler
from restrip.timeline import Key

EMPTY = torch.zeros(0)
V, ZERO = Parametrisation("v_prediction"), Parametrisation("v_prediction", zero_snr=True)


@pytest.mark.parametrize(
    ("weights", "found"),
    [
        ({}, Parametrisation()),
        ({"v_pred": EMPTY}, V),
        ({"v_pred": EMPTY, "ztsnr": EMPTY}, ZERO),
        ({EDM_MAX: torch.tensor(80.0), EDM_MIN: torch.tensor(0.01)}, Parametrisation("v_prediction", edm=(0.01, 80.0))),
        ({EDM_MAX: torch.tensor(120.0)}, Parametrisation("v_prediction", edm=(0.002, 120.0))),
    ],
)
def test_markers_in_the_weights_need_no_note(weights: dict, found: Parametrisation) -> None:
    told = of_file(Path("model.safetensors"), weights, {}, second=False)
    assert told.edm == pytest.approx(found.edm) and (told.prediction, told.zero_snr) == (
        found.prediction,
        found.zero_snr,
    )
    assert told.note == ""


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("noobaiXLNAIXL_vPred10Version", V),
        ("NoobAI-XL-Vpred-v1.0", V),
        ("someXL_v-pred_ztsnr", ZERO),
        ("illustriousV_prediction", V),
        ("sdxl_lightning_1step_x0", Parametrisation("sample")),
        ("vpredatorXL", Parametrisation()),
        ("epsPred11", Parametrisation()),
        ("some_v2", Parametrisation()),
    ],
)
def test_names_are_believed_with_a_note(name: str, found: Parametrisation) -> None:
    told = of_file(Path(f"{name}.safetensors"), {}, {}, second=False)
    assert told == found and bool(told.note) == (found != Parametrisation())


def test_markers_and_metadata_come_before_names_and_the_setting_before_all() -> None:
    path = Path("a_vpred.safetensors")
    assert of_file(path, {"v_pred": EMPTY, "ztsnr": EMPTY}, {}, second=False) == ZERO
    assert of_file(path, {}, {"modelspec.prediction_type": "epsilon"}, second=False) == Parametrisation()
    assert of_file(Path("a"), {}, {"modelspec.prediction_type": "v"}, second=False) == V
    for setting in ASKED:
        told = of_file(path, {"v_pred": EMPTY}, {}, second=False).asked_for(setting)
        assert told.note == "" and told.prediction == ("v_prediction" if "v" in setting else setting)


def test_stable_diffusion_2_by_name_then_by_a_layer() -> None:
    def told(name: str, **weights: torch.Tensor) -> tuple[str, bool]:
        found = of_file(Path(f"{name}.safetensors"), weights, {}, second=True)
        return found.prediction, bool(found.note)

    loud, quiet = {TELLING: torch.tensor([0.2, -0.2])}, {TELLING: torch.tensor([0.05, -0.05])}
    assert told("v2-1_768-ema-pruned") == told("mine", **loud) == ("v_prediction", True)
    assert told("v2-1_512-ema-pruned", **loud) == told("sd_turbo") == told("mine", **quiet) == ("epsilon", True)


def test_folders_by_their_schedulers() -> None:
    folder = Path("model")
    assert of_config(folder, {}) == Parametrisation()
    config = {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True, "beta_schedule": "linear",
              "beta_start": 0.0001, "beta_end": 0.02}  # fmt: skip
    assert of_config(folder, config) == Parametrisation("v_prediction", (0.0001, 0.02), "linear", True)
    edm = {"_class_name": "EDMEulerScheduler", "sigma_max": 120.0, "sigma_data": 1.0, "prediction_type": "v_prediction"}
    assert of_config(folder, edm) == Parametrisation("v_prediction", edm=(0.002, 120.0))
    for wrong in (
        {"prediction_type": "flow_prediction"},
        {"beta_schedule": "sigmoid"},
        {"_class_name": "EDMDPMSolverMultistepScheduler", "sigma_data": 0.5},
    ):
        with pytest.raises(UnknownFamily):
            of_config(folder, wrong)
    with pytest.raises(UnknownFamily, match="Playground"):
        of_file(Path("p"), {"edm_mean": EMPTY}, {}, second=False)


KINDS = {
    "epsilon": ({}, {"prediction_type": "epsilon"}),
    "v_prediction": ({"v_pred": EMPTY}, {"prediction_type": "v_prediction"}),
    "v_zero_snr": ({"v_pred": EMPTY, "ztsnr": EMPTY},
                   {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True}),
    "edm_v": ({EDM_MAX: torch.tensor(120.0), EDM_MIN: torch.tensor(0.002)}, {"prediction_type": "v_prediction"}),
}  # fmt: skip


def theirs(kind: str, sigmas) -> Any:
    """diffusers' scheduler at the same sigmas."""
    more = KINDS[kind][1]
    if kind == "edm_v":
        scheduler = diffusers.EDMEulerScheduler(
            sigma_min=0.002, sigma_max=120.0, sigma_data=1.0, sigma_schedule="exponential", **more
        )
        scheduler.set_timesteps(len(sigmas) - 1)
        assert sigmas == pytest.approx(scheduler.sigmas.numpy(), rel=1e-5)
        return scheduler
    scheduler = diffusers.EulerDiscreteScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", **more
    )
    scheduler.set_timesteps(sigmas=sigmas.tolist())
    return scheduler


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("layout", ["sdxl", "sd2", "sd15"])
def test_the_same_latents_as_diffusers_schedulers(kind: str, layout: str, small, tmp_path: Path) -> None:
    """From pure noise and all the way: every parametrisation, of markers in a single file of each layout."""
    made = small(layout)
    path = tmp_path / "v2-1_512.safetensors"  # without markers a Stable Diffusion 2 of this name predicts noise
    safetensors.torch.save_file(
        {k: v.clone().contiguous() for k, v in {**made.original(), **KINDS[kind][0]}.items()}, path
    )
    model = open_model(Checkpoint(path, layout, "m"), configs=made.configs)
    schedule = model.backbone.schedule
    sigmas = schedule.table("uniform", 6)
    scheduler = theirs(kind, sigmas)
    if kind != "edm_v":
        known = ((1 - scheduler.alphas_cumprod) / scheduler.alphas_cumprod).sqrt().numpy()
        assert schedule.sigma(range(1000)) == pytest.approx(known, rel=2e-3)
    cond = model.text.encode("a photo")
    x = torch.randn(2, 4, 12, 16, generator=torch.Generator().manual_seed(0)) * float(sigmas[0])
    denoiser = Denoiser(model, [cond] * 2, [model.text.encode("", negative=True)] * 2, 1.0)
    with torch.inference_mode():
        mine = euler(lambda x, i: denoiser.clean(x, float(sigmas[i])), x.clone(), sigmas, lambda: x)
        inputs = model.backbone.inputs([cond] * 2, (64, 48), x)
        state = x.clone()
        for t, sigma in zip(scheduler.timesteps, sigmas[:-1], strict=True):
            told = t if kind == "edm_v" else float(schedule.step(sigma))
            scaled = scheduler.scale_model_input(state, t)
            out = model.network(scaled, torch.full((2,), float(told)), return_dict=False, **inputs)[0]
            state = scheduler.step(out, t, state).prev_sample
    assert torch.allclose(mine, state, atol=1e-3 * float(state.abs().max()))


def test_the_setting_reaches_the_picture_and_the_note_the_user(small_file, picture, silent) -> None:
    path = small_file("sdxl", "some_vpred.safetensors")
    fast = {"steps": 3, "width": 64, "height": 48, "anchor": False, "denoising_strength": 0.9}
    made = {}
    for setting in ("auto", "v_prediction", "epsilon", "v_zero_snr"):
        look = open_look(f"sd:{path}", {**fast, "prediction": setting})
        made[setting] = look.stylize([picture], [Key(0)], silent.report)[0]
        assert ("prediction" in look.identity()["settings"]) == (setting != "auto")
    assert "By its name this model predicts the velocity" in made["auto"].notes[0] and not made["epsilon"].notes
    assert (made["auto"].picture.rgb == made["v_prediction"].picture.rgb).all()
    assert len({one.picture.rgb.tobytes() for one in made.values()}) == 3
    assert made["v_zero_snr"].facts["sigma_start"] > made["auto"].facts["sigma_start"]
