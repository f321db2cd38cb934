"""ControlNets: what they look at, and what they add to the UNet (Zhang et al. 2023)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch

from restrip.looks.diffusion.checkpoints.adapter_specs import ControlFile
from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures
from restrip.looks.diffusion.sampling.denoiser import Control
from restrip.media.frame import Frame

Bytes = npt.NDArray[np.uint8]


def canny(picture: Bytes) -> Bytes:
    """Edges [H, W] of a picture [H, W, 3], white on black (Canny 1986; thresholds 100 and 200)."""
    return cv2.Canny(picture, 100, 200)


def lineart(picture: Bytes) -> Bytes:
    """Drawn lines, white on black: extended differences of Gaussians (Winnemöller et al. 2012, section 2.4)."""
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    narrow, wide = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (1.0, 1.6))
    sharpened = narrow * 20 - wide * 19
    ink = np.where(sharpened >= 0.5, 0.0, -np.tanh(3 * (sharpened - 0.5)))
    edge = np.clip((wide - narrow) * 12, 0, 1)
    return (np.clip(np.maximum(ink * (edge > 0.02), edge), 0, 1) * 255).astype(np.uint8)


def softedge(picture: Bytes) -> Bytes:
    """Soft edges, white on black: the strongest colour gradient over three scales."""
    strongest = np.zeros(picture.shape[:2], np.float32)
    for sigma in (1.0, 2.0, 4.0):
        smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)
        slopes = [cv2.Sobel(smooth, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in ((1, 0), (0, 1))]
        strongest = np.maximum(strongest, np.hypot(*slopes).max(axis=2) * sigma)
    return np.clip(strongest / (np.percentile(strongest, 99) + 1e-3) * 255, 0, 255).astype(np.uint8)


COMPUTED: dict[str, Callable[[Bytes], Bytes]] = {"canny": canny, "lineart": lineart, "softedge": softedge}


def hint(kind: str, frame: Frame, number: int, size: tuple[int, int], given: ControlPictures) -> torch.Tensor:
    """What a ControlNet of that kind sees of frame `number`: [3, h, w] float32 in 0..1 at the working size.

    Edges and lines are found here, "tile" is the frame, "depth" and "file" are `given`. Raises MissingControlPicture.
    """
    if kind in COMPUTED:
        small = cv2.resize(frame.rgb8(), size, interpolation=cv2.INTER_AREA)
        picture = COMPUTED[kind](small)
    elif kind == "tile":
        picture = cv2.resize(frame.rgb8(), size, interpolation=cv2.INTER_AREA)
    else:
        picture = cv2.resize(given.picture(kind, number), size, interpolation=cv2.INTER_AREA)
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    return torch.from_numpy(picture.astype(np.float32) / 255).permute(2, 0, 1).contiguous()


@dataclass(frozen=True, eq=False)
class ControlNet:
    """A loaded ControlNet with its place in the recipe."""

    file: ControlFile
    module: Any

    def residuals(
        self, sample: torch.Tensor, t: torch.Tensor, text: dict[str, Any], hints: torch.Tensor
    ) -> tuple[Sequence[torch.Tensor], torch.Tensor]:
        """What it adds to the UNet's blocks."""
        groups = len(sample) // len(hints)
        down, middle = self.module(
            sample,
            t,
            encoder_hidden_states=text["encoder_hidden_states"],
            added_cond_kwargs=text.get("added_cond_kwargs"),
            controlnet_cond=torch.cat([hints] * groups).to(sample.dtype),
            conditioning_scale=self.file.weight,
            return_dict=False,
        )
        return down, middle


def added(nets: Sequence[ControlNet], hints: Sequence[torch.Tensor]) -> Control:
    """What several ControlNets add together, as the UNet's arguments; `hints` [rows, 3, h, w] for each of them.

    Each takes part from `start` to `end` of the evaluations, as shares of them.
    """

    def control(sample: torch.Tensor, t: torch.Tensor, text: dict[str, Any], done: float) -> dict[str, Any]:
        active = [(net, seen) for net, seen in zip(nets, hints, strict=True) if net.file.start <= done <= net.file.end]
        if not active:
            return {}
        parts = [net.residuals(sample, t, text, seen) for net, seen in active]
        down = [torch.stack(list(layer)).sum(0) for layer in zip(*(part[0] for part in parts), strict=True)]
        return {
            "down_block_additional_residuals": down,
            "mid_block_additional_residual": torch.stack([part[1] for part in parts]).sum(0),
        }

    return control
