"""What a UNet's output means and on which noise it was trained, by its files: nothing in the shapes tells.

in single files   empty tensors named v_pred and ztsnr, edm_vpred.sigma_max and .sigma_min; modelspec.prediction_type
in folders        the scheduler's config
else              words of the name, and for Stable Diffusion 2 a statistic of one layer; both with a note
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from restrip.looks.diffusion.checkpoints.family_detection import UnknownFamily
from restrip.looks.diffusion.sampling.schedules import BETAS, EdmSchedule, Schedule

if TYPE_CHECKING:
    from restrip.looks.diffusion.checkpoints.weights.safe_weights import Weights

EDM_MAX, EDM_MIN = "edm_vpred.sigma_max", "edm_vpred.sigma_min"

# vPred, v-pred, Vprediction and xlVpred, not vpredator.
V_WORD = re.compile(r"((?<![A-Za-z])[vV]|(?<=[a-z])V)[-_ ]?[pP](red(iction)?|RED)(?![a-z])")
ZERO_WORD = re.compile(r"(?<![A-Za-z])zt?snr(?![A-Za-z])", re.IGNORECASE)
X0_WORD = re.compile(r"(?<![A-Za-z0-9])x0(?![A-Za-z0-9])")
# Stable Diffusion 2: what was trained at 512 and what was distilled predicts noise, 768 the velocity.
NOISE_WORD = re.compile(r"(?<!\d)512(?!\d)|(?<![a-z])(base|turbo|inpaint)", re.IGNORECASE)

# A layer's spread tells velocities from noise in Stable Diffusion 2 and its fine-tunes, as ComfyUI goes by it too.
TELLING = "model.diffusion_model.output_blocks.11.1.transformer_blocks.0.norm1.bias"
TELLING_STD = 0.09

ASKED: Mapping[str, Mapping[str, Any]] = {
    "epsilon": {"prediction": "epsilon", "zero_snr": False, "edm": None},
    "v_prediction": {"prediction": "v_prediction", "zero_snr": False, "edm": None},
    "v_zero_snr": {"prediction": "v_prediction", "zero_snr": True, "edm": None},
    "edm_v": {"prediction": "v_prediction", "zero_snr": False, "edm": (0.002, 120.0)},
    "sample": {"prediction": "sample", "zero_snr": False, "edm": None},
}
"""What each value of the setting Prediction stands for."""


@dataclass(frozen=True)
class Parametrisation:
    """`prediction` is one of PREDICTIONS. Of the noise: betas' ends and their curve, whether they are rescaled to zero
    terminal SNR, or EDM's least and most sigma in their place. `note` is for the user when it was guessed.
    """

    prediction: str = "epsilon"
    betas: tuple[float, float] = (0.00085, 0.012)
    curve: str = "scaled_linear"
    zero_snr: bool = False
    edm: tuple[float, float] | None = None
    note: str = field(default="", compare=False)

    def schedule(self) -> Schedule:
        """The sigmas that it was trained on."""
        return EdmSchedule(*self.edm) if self.edm else Schedule(*self.betas, self.curve, self.zero_snr)

    def asked_for(self, setting: str) -> Parametrisation:
        """As the setting says, which knows better than any file."""
        return self if setting == "auto" else replace(self, note="", **ASKED[setting])


def of_file(path: Path, weights: Weights, metadata: Mapping[str, str], *, second: bool) -> Parametrisation:
    """Of a single file; `second` is whether it is a Stable Diffusion 2. Raises UnknownFamily."""
    if "edm_mean" in weights:
        raise UnknownFamily(path, "it is Playground 2.5, whose latents are scaled in another way")
    if EDM_MAX in weights:
        low = float(weights[EDM_MIN]) if EDM_MIN in weights else 0.002
        return Parametrisation("v_prediction", edm=(low, float(weights[EDM_MAX])))
    if "v_pred" in weights:
        return Parametrisation("v_prediction", zero_snr="ztsnr" in weights)
    told = metadata.get("modelspec.prediction_type", "").lower()
    if told in ("v", "v_prediction", "epsilon", "eps"):
        velocity = told.startswith("v")
        return Parametrisation("v_prediction" if velocity else "epsilon", zero_snr=velocity and "ztsnr" in weights)
    return _by_name(path.stem, weights, second=second)


def _by_name(name: str, weights: Weights, *, second: bool) -> Parametrisation:
    if V_WORD.search(name):
        return _guessed(Parametrisation("v_prediction", zero_snr=bool(ZERO_WORD.search(name))), "name")
    if X0_WORD.search(name):
        return _guessed(Parametrisation("sample"), "name")
    if not second:
        return Parametrisation()
    if NOISE_WORD.search(name):
        return _guessed(Parametrisation(), "name")
    layer = weights.get(TELLING)
    if layer is not None and float(layer.float().std(correction=0)) <= TELLING_STD:
        return _guessed(Parametrisation(), "weights")
    return _guessed(Parametrisation("v_prediction"), "weights" if layer is not None else "family")


def _guessed(what: Parametrisation, by: str) -> Parametrisation:
    said = {"epsilon": "noise", "v_prediction": "the velocity", "sample": "the picture"}[what.prediction]
    if what.zero_snr:
        said += " with zero terminal SNR"
    note = f"By its {by} this model predicts {said}. If pictures come out as noise or burnt, set Prediction yourself."
    return replace(what, note=note)


def of_config(path: Path, config: Mapping[str, Any]) -> Parametrisation:
    """Of a folder, by its scheduler's config. Raises UnknownFamily."""
    prediction = str(config.get("prediction_type") or "epsilon")
    if str(config.get("_class_name", "")).startswith("EDM"):
        if float(config.get("sigma_data", 0.5)) != 1 or prediction != "v_prediction":
            raise UnknownFamily(path, "its scheduler is an EDM one of another scaling than EDM-v")
        return Parametrisation(
            "v_prediction", edm=(float(config.get("sigma_min", 0.002)), float(config.get("sigma_max", 80.0)))
        )
    curve = str(config.get("beta_schedule") or "scaled_linear")
    if prediction not in ("epsilon", "v_prediction", "sample"):
        raise UnknownFamily(path, f"it predicts {prediction!r}, which isn't known here")
    if curve not in BETAS:
        raise UnknownFamily(path, f"its noise follows {curve!r}, which isn't known here")
    ends = float(config.get("beta_start", 0.00085)), float(config.get("beta_end", 0.012))
    return Parametrisation(prediction, ends, curve, bool(config.get("rescale_betas_zero_snr")))
