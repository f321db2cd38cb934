"""Motion to a key that lies ahead: walked back from the key, read forwards.

   first  block 0   |   block 1   |  block 2  key     one walk back; block 0 is put aside whole, and of every other
   <-----------------<-------------<----------        block the frame where the next walk through it begins

So the disk holds one block and a flow for each other one, however long the segment is; a segment of one block (most
are) is walked once.
"""

from __future__ import annotations

from collections.abc import Callable, Generator

from restrip.propagate.backward_walk import BLOCK_FRAMES, BackwardWalk
from restrip.propagate.cpu.flow_spool import FlowSpool
from restrip.propagate.cpu.motion import KeyMotion
from restrip.propagate.cpu.sampling import Flow
from restrip.propagate.energy.effort import WHOLE, Effort
from restrip.propagate.frame_window import FrameWindow, StyledKey


def backward(
    window: FrameWindow,
    key: StyledKey,
    folder: str,
    stepped: Callable[[], None],
    block_frames: int = BLOCK_FRAMES,
    *,
    effort: Effort = WHOLE,
) -> Generator[Flow, None, None]:
    """The motion from every frame of the window to a key after it, in the order of the frames.

    Walks all of it before the first; calls `stepped` after each frame walked. Temporary files go to `folder`.
    """
    motion = KeyMotion(key.source.rgb8(), effort)
    with FlowSpool(window.size, folder) as flows, FlowSpool(window.size, folder) as borders:
        walk = BackwardWalk(motion, lambda n: window.frame(n).rgb8(), flows, borders)
        yield from walk.forwards(window.frames, stepped, block_frames)
