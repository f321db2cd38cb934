"""Work that is the same for every frame: recorded once, and played as one CUDA graph from then on.

    first call    as it is; then recorded, reading from buffers that are the graph's own, played, and compared
    later         what goes in is copied to those buffers, the graph is played, what comes out is copied

A frame is several hundred starts of kernels, for which the host takes longer than the GPU needs for the work up to
1080p. To the caller it makes no difference: what comes out is always its own. Where recording fails, or what is played
isn't what was made before to the bit, all work is done as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import partial

import torch
from torch import Tensor

from restrip.cuda.graph_recorder import Recorder

Tensors = dict[str, Tensor]
Work = Callable[[Tensors], Tensors]
"""From named tensors to named tensors. It asks for no values, keeps nothing, and changes nothing that it is given."""


class Graphs:
    """The recorded work of one segment; without a recorder, or once one has failed, all is done as it is.

    `failed` is told why, once.
    """

    def __init__(self, recorder: Recorder | None = None, failed: Callable[[str], None] = lambda why: None) -> None:
        self._recorder, self._failed = recorder, failed
        self._played: dict[Hashable, _Played] = {}

    def work(self, name: Hashable, work: Work) -> Work:
        """`work`, recorded; under the same name it is the same work, whatever shapes it is given."""
        return work if self._recorder is None else partial(self._done, name, work)

    def close(self) -> None:
        """Forget all that is recorded: it takes memory."""
        self._recorder = None
        self._played.clear()

    def _done(self, name: Hashable, work: Work, given: Tensors) -> Tensors:
        name = name, *sorted((each, tensor.shape, tensor.dtype) for each, tensor in given.items())
        if played := self._played.get(name):
            return played.once(given)
        made = work(given)  # compiles kernels, and makes what is kept from then on
        if self._recorder is not None:
            try:
                played = _Played(self._recorder, work, given)
                same = _alike(made, played.once(given))
            except RuntimeError as error:
                self._give_up(str(error).partition("\n")[0])
            else:
                if same:
                    self._played[name] = played
                else:
                    self._give_up("what is played isn't what was recorded")
        return made

    def _give_up(self, why: str) -> None:
        self.close()
        self._failed(why)


def _alike(ours: Tensors, theirs: Tensors) -> bool:
    """To the bit; this waits for the device."""
    pairs = [(ours[name].contiguous(), theirs[name].contiguous()) for name in ours]
    return all(torch.equal(a.view(torch.uint8), b.view(torch.uint8)) for a, b in pairs)


class _Played:
    """One recording."""

    def __init__(self, recorder: Recorder, work: Work, given: Tensors) -> None:
        self._given = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in given.items()}
        self._play, self._made = recorder(lambda: work(self._given))

    def once(self, given: Tensors) -> Tensors:
        for name, into in self._given.items():
            into.copy_(given[name])
        self._play()
        return {name: tensor.clone() for name, tensor in self._made.items()}
