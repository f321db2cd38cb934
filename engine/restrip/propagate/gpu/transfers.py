"""Pictures on their way up to the device and down from it, through pinned memory, each way on a stream of its own.

host      stage 3 | stage 4 | ...              what was staged is free again when it is up
up          copy 3 | copy 4 | ...
device        work on 2 | work on 3 | ...
down              copy 1 | copy 2 | ...
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from restrip.media.frame import Frame
from restrip.media.movies.decoded_frame import DecodedFrame
from restrip.propagate.gpu.decoded import RgbOf, on_device, rows_of

AHEAD = 2
"""So many frames go up before the work on earlier ones is done."""

COPIERS = 4
"""Threads that copy a large picture into pinned memory: one takes almost as long as a frame's motion on the GPU."""

LARGE = 4 << 20  # bytes


@lru_cache(maxsize=8)
def _stream(device: torch.device, way: str) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


@lru_cache(maxsize=1)
def _copiers() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(COPIERS, "upload")


def copied(picture: npt.NDArray[Any], into: npt.NDArray[Any]) -> None:
    """Copy a picture [H, W, C] to another of its shape, by several threads if it is large."""
    if picture.nbytes < LARGE:
        into[...] = picture
        return
    parts = (np.array_split(one, COPIERS) for one in (into, picture))
    list(_copiers().map(np.copyto, *parts))


def upload(picture: npt.NDArray[Any], device: torch.device, beside: bool = False) -> Tensor:
    """A picture [H, W, C] or a plane [H, W] uint8, or uint16 as the same bits in int16, on the device.

    `beside` the work that has been started, else after it.
    """
    return uploaded([picture], device, beside)[0]


def uploaded(pictures: Sequence[npt.NDArray[Any]], device: torch.device, beside: bool = False) -> list[Tensor]:
    """Pictures or planes of one type, in one copy."""
    kind = torch.uint8 if pictures[0].dtype == np.uint8 else torch.int16
    sizes = [picture.size for picture in pictures]
    # A copy where it stays on the CPU too: frames are never written to, and torch can't promise that.
    staged = torch.empty(sum(sizes), dtype=kind, pin_memory=device.type == "cuda")
    for picture, into in zip(pictures, staged.split(sizes), strict=True):
        copied(picture, into.numpy().view(picture.dtype).reshape(picture.shape))
    there = _sent(staged, device, beside) if device.type == "cuda" else staged.to(device)
    parts = zip(pictures, there.split(sizes), strict=True)
    return [part.view(picture.shape) for picture, part in parts]


def _sent(staged: Tensor, device: torch.device, beside: bool) -> Tensor:
    here = torch.cuda.current_stream(device)
    way = _stream(device, "up") if beside else here
    with torch.cuda.stream(way):
        there = staged.to(device, non_blocking=True)  # torch keeps the staged memory until it has been read
    if beside:
        here.wait_stream(way)
        there.record_stream(here)
    return there


class Uploads:
    """Frames one after the other, beside the work; the last `kept` stay on the device for the next walk over them.

    The host waits once the work is AHEAD frames behind: each takes memory. Planes of a decoder go up as they are and
    become R'G'B' there by `rgb_of`, where it gives what the host would.
    """

    def __init__(self, device: torch.device, kept: int = 0, rgb_of: RgbOf | None = None) -> None:
        self._device, self._most, self._rgb_of = device, kept, rgb_of
        self._kept: dict[int, tuple[Tensor, bool]] = {}  # with whether it has no alpha
        self._worked: deque[torch.cuda.Event] = deque()

    def frame(self, n: int, frame: Callable[[], Frame]) -> Tensor:
        """Frame n [H, W, 3] uint8 on the device; `frame` is asked for if it isn't there any more."""
        kept = self._kept.pop(n, None)
        if kept is None:
            source = frame()
            kept = self.upload(source), source.alpha is None
        if self._most:
            self._kept[n] = kept
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]
        return kept[0]

    def holds(self, n: int) -> bool:
        """Whether frame n is on the device and has no alpha: then nobody needs it here."""
        return n in self._kept and self._kept[n][1]

    def upload(self, frame: Frame) -> Tensor:
        """A frame [H, W, 3] uint8 on the device; what was started before is work on earlier ones."""
        beside = self._device.type == "cuda"
        if beside:
            self._worked.append(torch.cuda.Event())
            self._worked[-1].record()
            if len(self._worked) > AHEAD:
                self._worked.popleft().synchronize()
        rgb_of, planes = self._rgb_of, frame.planes if isinstance(frame, DecodedFrame) else None
        if rgb_of is None or planes is None or not on_device(planes, rgb_of, self._device):
            return upload(frame.rgb8(), self._device, beside)
        luma, blue, red = uploaded([planes.luma, planes.blue, planes.red], self._device, beside)
        return rgb_of((luma, blue, red), rows_of(planes))


class Coming:
    """Values on their way down beside the work that is started next; only `array` waits for them."""

    def __init__(self, picture: Tensor) -> None:
        self._host, self._copied = picture, None
        if picture.device.type == "cuda":
            self._host = torch.empty(picture.shape, dtype=picture.dtype, pin_memory=True)
            here = torch.cuda.current_stream(picture.device)
            way = _stream(picture.device, "down")
            way.wait_stream(here)
            picture.record_stream(way)  # its memory is taken again only when it is down
            with torch.cuda.stream(way):
                self._host.copy_(picture, non_blocking=True)
                self._copied = torch.cuda.Event()
                self._copied.record()

    def array(self) -> npt.NDArray[Any]:
        """The values, once they are here; of int16 the same bits as uint16."""
        if self._copied is not None:
            self._copied.synchronize()
        array = self._host.numpy()
        return array.view(np.uint16) if array.dtype == np.int16 else array
