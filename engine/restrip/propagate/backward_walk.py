"""Walking back from a key that lies ahead, whatever the flows are: arrays or tensors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from restrip.timeline import FrameRange

BLOCK_FRAMES = 192


def blocks_of(frames: FrameRange, length: int = BLOCK_FRAMES) -> list[FrameRange]:
    """The frames in blocks of at most `length`, in order."""
    return [FrameRange(n, min(n + length, frames.end)) for n in range(frames.first, frames.end, length)]


def walked_frames(frames: FrameRange, block_frames: int = BLOCK_FRAMES) -> int:
    """How many frames are walked in all, back to the first block and again through the others."""
    return 2 * len(frames) - len(blocks_of(frames, block_frames)[0])


@dataclass(frozen=True)
class BackwardWalk:
    """Walks back from a key. `motion` is a KeyMotion, `frame` reads what it takes, `flows` and `borders` are stacks
    of flows (FlowSpool); on a GPU all are its own.
    """

    motion: Any
    frame: Callable[[int], Any]
    flows: Any
    borders: Any

    def forwards(
        self, frames: FrameRange, stepped: Callable[[], None], block_frames: int
    ) -> Generator[Any, None, None]:
        """The motion from each of the frames to the key, in order."""
        blocks = blocks_of(frames, block_frames)
        for n, flow in zip(downwards(frames), self.walked(downwards(frames)), strict=True):
            if n in blocks[0]:
                self.flows.push(flow)
            elif (n - blocks[0].end) % block_frames == 0:
                self.borders.push(flow)
            stepped()
        self.motion.restart()  # what it knew of the last frame takes memory
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if not len(self.flows):
                self._again(block, following, stepped)
            while len(self.flows):
                yield self.flows.pop()

    def _again(self, block: FrameRange, following: FrameRange | None, stepped: Callable[[], None]) -> None:
        self.borders.pop()  # this block's own first frame
        if following is not None:
            self.motion.resume(self.borders.peek(), self.frame(following.first))
        for flow in self.walked(downwards(block)):
            self.flows.push(flow)
            stepped()
        self.motion.restart()

    def walked(self, frames: range) -> Iterator[Any]:
        """The motion from each of the frames, one after the other, to the key."""
        for n in frames:
            yield self.motion.next(self.frame(n))


def downwards(frames: FrameRange) -> range:
    """The frames from the last to the first."""
    return range(frames.end - 1, frames.first - 1, -1)
