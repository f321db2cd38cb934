"""What stands for CUDA graphs where there is no GPU."""

from __future__ import annotations

from restrip.looks.diffusion.runtime.speed.nests import tensors


class StandIn:
    """Records as a GPU does: what it gave stays where it is, and replays read and write the recorded tensors alone."""

    def __init__(self) -> None:
        self.recorded = self.replays = 0

    def __call__(self, work):
        self.recorded += 1
        given = work()

        def replay() -> None:
            self.replays += 1
            for mine, value in zip(tensors(given), tensors(work()), strict=True):
                mine.copy_(value)
                value.fill_(float("nan"))  # a GPU makes no tensors anew: nobody may look at these

        return replay, given
