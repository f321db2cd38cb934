"""A frame of real footage, and one thread."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from restrip.media.frame import Frame


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(before)


@pytest.fixture
def deep(bunny: Frame) -> Frame:
    """The same with 16 bit and a ramp of alpha."""
    alpha = np.broadcast_to(np.linspace(0, 65535, 320).astype(np.uint16), (180, 320))
    return Frame(bunny.with_depth(True).rgb, np.ascontiguousarray(alpha))
