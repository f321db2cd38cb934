from __future__ import annotations

import numpy as np

from restrip.looks.diffusion.runtime.key_task import Task
from restrip.timeline import Key


def test_a_digest_says_frame_matte_and_key(moved) -> None:
    matte = np.zeros((48, 64), np.float32)
    tasks = [
        Task(moved(0), Key(0)),
        Task(moved(1), Key(0)),
        Task(moved(0), Key(0), matte),
        Task(moved(0), Key(0, seed=3)),
    ]
    assert len({task.digest() for task in tasks}) == 4
    assert tasks[0].digest() == Task(moved(0), Key(0)).digest()
    assert tasks[0].digest(numbered=False) == tasks[3].digest(numbered=False)
    assert tasks[0].digest(numbered=False) != tasks[1].digest(numbered=False)
