"""One segment, frame by frame: both keys carried along the motion and mixed into the renditions, where it is quickest.

left key                                                       right key
   |-- motion walked forwards -->     <-- motion walked back, put aside --|
   [ frame: two predictors a key, by what they rebuild -> left, right, baked ]
"""

from __future__ import annotations

from collections.abc import Iterator

from restrip.progress import Report
from restrip.propagate.device_choice import GpuMemoryTaken, chosen
from restrip.propagate.frame_window import CarriedFrame, FrameWindow, StyledKey
from restrip.propagate.settings import PropagateSettings


def propagate(
    window: FrameWindow, keys: tuple[StyledKey | None, StyledKey | None], settings: PropagateSettings, report: Report
) -> Iterator[CarriedFrame]:
    """Every frame of the window in order, as the left key and as the right key carry it.

    The left key lies at or before the window's first frame, the right one after its last; one of them may be None.
    Frames have the keys' depth and the source's alpha. Memory does not grow with the window: motion to the right key
    is walked backwards first and put aside in `settings.scratch`. Where something else has taken the GPU's memory, the
    CPU does it. Raises NoGpu, and PropagationOutOfGpuMemory when it runs out in the middle.
    """
    if keys == (None, None):
        raise ValueError("a segment has at least one key")
    if chosen(settings.device, window.size) != "cpu":
        from restrip.propagate.gpu import segment_walk as on_gpu  # only there torch is needed

        try:
            on_gpu.check_memory(window.size)
            yield from on_gpu.walk(window, keys, settings, report)
            return
        except GpuMemoryTaken as why:
            report(0, 1, str(why))
    from restrip.propagate.cpu import segment_walk as on_cpu  # only there numba is needed

    yield from on_cpu.walk(window, keys, settings, report)
