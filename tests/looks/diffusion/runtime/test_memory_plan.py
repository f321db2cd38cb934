from __future__ import annotations

import numpy as np
import pytest
import torch

from restrip.looks import open_look
from restrip.looks.diffusion.backbones import opening
from restrip.looks.diffusion.runtime import memory_plan, model_cache
from restrip.looks.diffusion.runtime.memory_needs import needs_mib
from restrip.looks.diffusion.runtime.memory_plan import (
    MemoryLadder,
    MemoryPlan,
    OutOfGpuMemory,
    candidates,
    room_for_two,
)
from restrip.timeline import Key

FULL = "CUDA out of memory. Tried to allocate 2.00 GiB."


def ladder(plan: MemoryPlan) -> MemoryLadder:
    applied: list[MemoryPlan] = []
    made = MemoryLadder(plan, applied.append, "sd15", (512, 512))
    made.applied = applied  # type: ignore[attr-defined]
    return made


def test_a_recording_needs_room_beside_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    size, gpu = (512, 512), torch.device("cuda")
    takes = needs_mib("sd15", size, 8) - needs_mib("sd15", size, 0)
    for free, fits in ((2 * takes / 0.85 + 1, True), (2 * takes / 0.85 - 1, False)):
        monkeypatch.setattr(memory_plan, "free_mib", lambda free=free: free)
        assert room_for_two(MemoryPlan(8), "sd15", size, gpu) is fits
    assert room_for_two(MemoryPlan(4), "sd15", size, gpu)
    assert room_for_two(MemoryPlan(8), "sd15", size, torch.device("cpu"))


def test_a_batch_that_fails_is_halved_and_redone() -> None:
    memory, done = ladder(MemoryPlan(8)), []

    def work(numbers) -> None:
        if len(numbers) > 2:
            raise torch.OutOfMemoryError(FULL)
        done.append(list(numbers))

    memory.run(range(5), work)
    assert done == [[0, 1], [2, 3], [4]]
    assert memory.plan == MemoryPlan(2) and memory.reductions == [MemoryPlan(8), MemoryPlan(4)]


def test_then_tiles_then_turns_then_an_error_with_a_size_that_fits() -> None:
    memory = ladder(MemoryPlan(2))

    def work(numbers) -> None:
        raise torch.OutOfMemoryError(FULL)

    with pytest.raises(OutOfGpuMemory, match="Set the working size") as caught:
        memory.run(range(1), work)
    assert memory.applied == [MemoryPlan(1), MemoryPlan(1, tiled=True), MemoryPlan(1, tiled=True, offload=True)]
    assert caught.value.detail["size"] == [512, 512]


def test_other_errors_are_not_mistaken_for_memory() -> None:
    with pytest.raises(RuntimeError, match="shape"):
        ladder(MemoryPlan(4)).run(range(4), lambda numbers: (_ for _ in ()).throw(RuntimeError("shape")))


def test_more_memory_allows_larger_batches() -> None:
    assert list(candidates("sd15", (512, 512), 0)) == [1]
    assert max(candidates("sd15", (512, 512), 70_000)) == 16
    assert max(candidates("sdxl", (1024, 1024), 8_000)) < max(candidates("sdxl", (1024, 1024), 60_000))


def test_after_a_worker_that_ended_the_next_one_begins_with_less() -> None:
    plans = [MemoryPlan(8).sparing(steps) for steps in range(5)]
    tiled, turns = MemoryPlan(1, tiled=True), MemoryPlan(1, tiled=True, offload=True)
    assert plans == [MemoryPlan(8), MemoryPlan(1), tiled, turns, turns]
    assert MemoryPlan(1).sparing(1) == tiled


SETTINGS = {"prompt": "a photo", "steps": 4, "width": 64, "height": 48, "batch": 4, "anchor": False, "cfg_scale": 2.0}


@pytest.mark.parametrize(("rows", "reached"), [(1, 1), (0, 1)])
def test_keys_are_the_same_with_less_memory(rows, reached, small_file, monkeypatch, moved, silent) -> None:
    """An out-of-memory error in the network: smaller batches, then (rows 0) one network on the device at a time."""
    path, frames, keys = small_file(), [moved(n) for n in range(3)], [Key(n, seed=n) for n in range(3)]
    expected = open_look(f"sd:{path}", SETTINGS).stylize(frames, keys, silent.report)
    assert expected[0].facts["batch_reductions"] == []
    whole = []

    def opened(*args, **kwargs):
        model = opening.open_model(*args, **kwargs)

        def full(module, args, out):
            fits = len(out) <= 2 * max(rows, 1) and (rows or model.turns.active)
            if not fits:
                raise torch.OutOfMemoryError(FULL)

        model.network.conv_out.register_forward_hook(full)
        whole.append(model)
        return model

    monkeypatch.setattr(model_cache, "open_model", opened)
    model_cache.unload()
    got = open_look(f"sd:{path}", SETTINGS).stylize(frames, keys, silent.report)
    for a, b in zip(got, expected, strict=True):
        assert np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max() <= (1 if rows else 8)
    facts = got[0].facts
    assert [plan["batch"] for plan in facts["batch_reductions"]][:2] == [4, 2]
    assert facts["memory"] == {"batch": reached, "vae_tiled": not rows, "offload": not rows}


def test_a_look_that_is_to_spare_memory_makes_the_same_keys(small_file, moved, silent) -> None:
    look = open_look(f"sd:{small_file()}", SETTINGS)
    frames, keys = [moved(n) for n in range(2)], [Key(n, seed=n) for n in range(2)]
    expected = look.stylize(frames, keys, silent.report)
    look.spare_memory(1)
    got = look.stylize(frames, keys, silent.report)
    for a, b in zip(got, expected, strict=True):
        assert np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max() <= 1
    assert got[0].facts["memory"] == {"batch": 1, "vae_tiled": False, "offload": False}
    look.spare_memory(3)
    assert look.stylize(frames, keys, silent.report)[0].facts["memory"]["offload"]
