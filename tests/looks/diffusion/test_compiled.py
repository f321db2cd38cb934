from __future__ import annotations

import numpy as np
import pytest
import torch

from restrip.looks import open_look
from restrip.looks.diffusion import workplace
from restrip.looks.diffusion.compiled import PAYS_AT, compiled, pays
from restrip.timeline import Key

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_compiling_is_for_long_jobs_on_a_gpu() -> None:
    assert pays("auto", GPU, PAYS_AT // 15 + 1, 15) and not pays("auto", GPU, 10, 15)
    assert not pays("auto", CPU, PAYS_AT, 15)
    assert pays("on", CPU, 1, 1) and not pays("off", GPU, PAYS_AT, 15)


@pytest.mark.slow
def test_compiled_networks_give_the_same_pictures(small_file, moved, silent, monkeypatch) -> None:
    """Through torch.compile's front, without a code generator: every batch has one size."""
    seen = []

    def eager(network, folder):
        made = compiled(network, folder, backend="eager")
        if isinstance(network, torch.nn.Module):
            network.conv_in.register_forward_hook(lambda module, args, out: seen.append(len(out)))
        return made

    monkeypatch.setattr(workplace, "compiled", eager)
    settings = {"steps": 2, "width": 64, "height": 48, "anchor": False, "batch": 2, "cfg_scale": 1.0}
    path, frames, keys = small_file(), [moved(n) for n in range(3)], [Key(n) for n in range(3)]
    expected = open_look(f"sd:{path}", settings).stylize(frames, keys, silent.report)
    got = open_look(f"sd:{path}", {**settings, "compile": "on"}).stylize(frames, keys, silent.report)
    assert set(seen) == {2}
    for a, b in zip(got, expected, strict=True):
        assert np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max() <= 1
