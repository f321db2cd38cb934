"""What ControlNets look at: edges, lines and soft edges of a frame, the frame, or a given picture."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt
import torch

from restrip.looks.diffusion.conditioning.control_pictures import ControlPictures
from restrip.media.frame import Frame

Bytes = npt.NDArray[np.uint8]


def canny(picture: Bytes) -> Bytes:
    """Edges [H, W] of a picture [H, W, 3], white on black (Canny 1986; thresholds 100 and 200)."""
    return cv2.Canny(picture, 100, 200)


def lineart(picture: Bytes) -> Bytes:
    """Drawn lines of [H, W, 3] uint8, white on black, [H, W] uint8: extended differences of Gaussians (Winnemöller et
    al. 2012, section 2.4).
    """
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    narrow, wide = (cv2.GaussianBlur(luma, (0, 0), sigma) for sigma in (1.0, 1.6))
    sharpened = narrow * 20 - wide * 19
    ink = np.where(sharpened >= 0.5, 0.0, -np.tanh(3 * (sharpened - 0.5)))
    edge = np.clip((wide - narrow) * 12, 0, 1)
    return (np.clip(np.maximum(ink * (edge > 0.02), edge), 0, 1) * 255).astype(np.uint8)


def softedge(picture: Bytes) -> Bytes:
    """Soft edges of [H, W, 3] uint8, white on black, [H, W] uint8: the strongest colour gradient of three scales."""
    strongest = np.zeros(picture.shape[:2], np.float32)
    for sigma in (1.0, 2.0, 4.0):
        smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma)
        slopes = [cv2.Sobel(smooth, cv2.CV_32F, dx, dy, ksize=3) for dx, dy in ((1, 0), (0, 1))]
        strongest = np.maximum(strongest, np.hypot(*slopes).max(axis=2) * sigma)
    return np.clip(strongest / (np.percentile(strongest, 99) + 1e-3) * 255, 0, 255).astype(np.uint8)


COMPUTED: dict[str, Callable[[Bytes], Bytes]] = {"canny": canny, "lineart": lineart, "softedge": softedge}


def unseen(kind: str, size: tuple[int, int]) -> torch.Tensor | None:
    """What a ControlNet of that kind sees of a frame of another clip: nothing, [3, h, w] of zeros, where its pictures
    come from a file of the job's clip; None where they are found in the frame.
    """
    return None if kind == "tile" or kind in COMPUTED else torch.zeros(3, size[1], size[0])


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
