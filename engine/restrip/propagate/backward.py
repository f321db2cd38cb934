"""Motion to a key that lies ahead: walked back from the key, read forwards.

   first  block 0   |   block 1   |  block 2  key     one walk back; block 0 is put aside whole, and of every other
   <-----------------<-------------<----------        block the frame where the next walk through it begins

So the disk holds one block and a flow for each other one, however long the segment is; a segment of one block (most
are) is walked once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from restrip.propagate.motion import KeyMotion
from restrip.propagate.sampling import Flow
from restrip.propagate.spool import FlowSpool
from restrip.propagate.window import FrameWindow, StyledKey
from restrip.timeline import FrameRange

BLOCK_FRAMES = 192


def blocks_of(frames: FrameRange, length: int = BLOCK_FRAMES) -> list[FrameRange]:
    """The frames in blocks of at most `length`, in order."""
    return [FrameRange(n, min(n + length, frames.end)) for n in range(frames.first, frames.end, length)]


def walked_frames(frames: FrameRange) -> int:
    """How many frames `backward` walks in all."""
    return 2 * len(frames) - len(blocks_of(frames)[0])


def backward(
    window: FrameWindow, key: StyledKey, folder: str, stepped: Callable[[], None], block_frames: int = BLOCK_FRAMES
) -> Generator[Flow, None, None]:
    """The motion from every frame of the window to a key after it, in the order of the frames.

    Walks all of it before the first; calls `stepped` after each frame walked. Temporary files go to `folder`.
    """
    blocks = blocks_of(window.frames, block_frames)
    motion = KeyMotion(key.source.rgb8())
    with FlowSpool(window.size, folder) as flows, FlowSpool(window.size, folder) as borders:
        for n in _downwards(window.frames):
            flow = motion.next(window.frame(n).rgb8())
            if n in blocks[0]:
                flows.push(flow)
            elif (n - blocks[0].end) % block_frames == 0:
                borders.push(flow)
            stepped()
        for block, following in zip(blocks, [*blocks[1:], None], strict=True):
            if not len(flows):
                _walk_again(window, block, following, motion, flows, borders, stepped)
            while len(flows):
                yield flows.pop()


def _walk_again(
    window: FrameWindow,
    block: FrameRange,
    following: FrameRange | None,
    motion: KeyMotion,
    flows: FlowSpool,
    borders: FlowSpool,
    stepped: Callable[[], None],
) -> None:
    borders.pop()  # this block's own first frame
    if following is None:
        motion.restart()
    else:
        motion.resume(borders.peek(), window.frame(following.first).rgb8())
    for n in _downwards(block):
        flows.push(motion.next(window.frame(n).rgb8()))
        stepped()


def _downwards(frames: FrameRange) -> range:
    return range(frames.end - 1, frames.first - 1, -1)
