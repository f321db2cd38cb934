"""What the colours of a job's frames are, for pictures that are laid over them. No numerics."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FrameColours:
    """`primaries` by FFmpeg's words, "" being BT.709's; `beyond_white` says that highlights of light are rolled off."""

    primaries: str = ""
    beyond_white: bool = False


AS_SRGB = FrameColours()
"""Of a look on its own, and of frames for a usual display."""
