"""Pictures on their way up to the device and down from it, through pinned memory, each way on a stream of its own.

host      stage 3 | stage 4 | ...              what was staged is free again when it is up
up          copy 3 | copy 4 | ...
device        work on 2 | work on 3 | ...
down              copy 1 | copy 2 | ...
"""

from __future__ import annotations

from collections import deque
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from restrip.media.frame import Picture

AHEAD = 2
"""So many frames go up before the work on earlier ones is done."""


@lru_cache(maxsize=8)
def _stream(device: torch.device, way: str) -> torch.cuda.Stream:
    return torch.cuda.Stream(device)


def upload(picture: Picture, device: torch.device, beside: bool = False) -> Tensor:
    """A picture [H, W, C] uint8, or uint16 as the same bits in int16, on the device.

    `beside` the work that has been started, else after it.
    """
    array = picture if picture.dtype == np.uint8 else picture.view(np.int16)
    # A copy where it stays on the CPU too: frames are never written to, and torch can't promise that.
    if device.type != "cuda":
        return torch.tensor(array).to(device)
    staged = torch.empty(array.shape, dtype=torch.uint8 if array.dtype == np.uint8 else torch.int16, pin_memory=True)
    staged.numpy()[...] = array
    here = torch.cuda.current_stream(device)
    way = _stream(device, "up") if beside else here
    with torch.cuda.stream(way):
        there = staged.to(device, non_blocking=True)  # torch keeps the staged memory until it has been read
    if beside:
        here.wait_stream(way)
        there.record_stream(here)
    return there


class Uploads:
    """Frames one after the other.

    When they go up `beside` the work, the host waits once that is AHEAD of them behind: each takes memory.
    """

    def __init__(self, device: torch.device, beside: bool = False) -> None:
        self._device, self._beside = device, beside and device.type == "cuda"
        self._worked: deque[torch.cuda.Event] = deque()

    def upload(self, picture: Picture) -> Tensor:
        """A frame [H, W, 3] on the device; what was started before is work on earlier ones."""
        if self._beside:
            self._worked.append(torch.cuda.Event())
            self._worked[-1].record()
            if len(self._worked) > AHEAD:
                self._worked.popleft().synchronize()
        return upload(picture, self._device, self._beside)


class Coming:
    """A picture [..., H, W, 3] uint8, or int16 read as uint16, on its way down; only `array` waits for it.

    `beside` the work that is started next, else before it.
    """

    def __init__(self, picture: Tensor, beside: bool = False) -> None:
        self._host, self._copied = picture, None
        if picture.device.type == "cuda":
            self._host = torch.empty(picture.shape, dtype=picture.dtype, pin_memory=True)
            here = torch.cuda.current_stream(picture.device)
            way = _stream(picture.device, "down") if beside else here
            if beside:
                way.wait_stream(here)
                picture.record_stream(way)  # its memory is taken again only when it is down
            with torch.cuda.stream(way):
                self._host.copy_(picture, non_blocking=True)
                self._copied = torch.cuda.Event()
                self._copied.record()

    def array(self) -> Picture:
        """The picture, once it is here."""
        if self._copied is not None:
            self._copied.synchronize()
        array = self._host.numpy()
        return array if array.dtype == np.uint8 else array.view(np.uint16)
