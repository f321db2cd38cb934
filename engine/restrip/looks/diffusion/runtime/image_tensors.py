"""Frames to the network's pictures and back."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import torch

from restrip.media.frame import Frame, empty_picture

Floats = npt.NDArray[np.float32]


def to_picture(frame: Frame, size: tuple[int, int]) -> torch.Tensor:
    """A frame as [3, h, w] float32 in -1..1 at the working size (width, height)."""
    scaled = resized(frame.rgb.astype(np.float32) / frame.white, size)
    return torch.from_numpy(scaled).permute(2, 0, 1).contiguous() * 2 - 1


def to_coded(picture: torch.Tensor) -> Floats:
    """A picture [3, h, w] in about -1..1 as [h, w, 3] float32 in 0..1."""
    coded = (picture.float().clamp(-1, 1) * 0.5 + 0.5).permute(1, 2, 0)
    return np.ascontiguousarray(coded.cpu().numpy())


def to_frame(coded: Floats, source: Frame, matte: Floats | None = None) -> Frame:
    """[h, w, 3] float32 in 0..1 as a frame of the source's size, depth and alpha.

    Where `matte` [H, W] is 0 the source stays, to the bit.
    """
    rgb = empty_picture(source.rgb.shape, source.deep)
    rgb[...] = np.clip(resized(coded, source.size), 0, 1) * source.white + 0.5
    if matte is not None:
        np.copyto(rgb, source.rgb, where=matte[..., None] <= 0)
    return Frame(rgb, source.alpha)


def resized(picture: Floats, size: tuple[int, int]) -> Floats:
    """[h, w, ...] float32 at (width, height): averaged down, bicubic up; a picture of that size is itself."""
    height, width = picture.shape[:2]
    if (width, height) == size:
        return picture
    smaller = size[0] * size[1] < width * height
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)


def to_matte(matte: npt.NDArray[np.generic], size: tuple[int, int]) -> torch.Tensor:
    """A matte [H, W], uint8, uint16 or float in 0..1, as [1, h, w] float32 in 0..1 at the working size."""
    return torch.from_numpy(resized(as_unit(matte), size).clip(0, 1))[None]


def as_unit(matte: npt.NDArray[np.generic]) -> Floats:
    """A matte as float32 in 0..1."""
    if np.issubdtype(matte.dtype, np.integer):
        return matte.astype(np.float32) / np.iinfo(matte.dtype.name).max
    return matte.astype(np.float32)
