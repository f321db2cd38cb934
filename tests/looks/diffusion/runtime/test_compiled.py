from __future__ import annotations

import numpy as np
import pytest
import torch

from restrip.looks import Beside, open_look
from restrip.looks.diffusion.runtime import compiled as compiling
from restrip.looks.diffusion.runtime import pipeline
from restrip.looks.diffusion.runtime.compiled import PAYS_AT, compiled, pays
from restrip.timeline import Key

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_compiling_is_for_long_jobs_on_a_gpu() -> None:
    assert pays("auto", GPU, PAYS_AT // 15 + 1, 15) and not pays("auto", GPU, 10, 15)
    assert not pays("auto", CPU, PAYS_AT, 15)
    assert pays("on", CPU, 1, 1) and not pays("off", GPU, PAYS_AT, 15)


def test_a_job_counts_as_a_whole_though_its_keys_come_in_parts(small_file, moved, silent, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(pipeline, "pays", lambda how, device, keys, evaluations: asked.append(keys))
    look = open_look(f"sd:{small_file()}", {"steps": 2, "width": 64, "height": 48, "anchor": False})
    look.stylize([moved(0)], [Key(0)], silent.report, None, Beside(keys=5000))
    look.stylize([moved(0), moved(1)], [Key(0), Key(1)], silent.report)
    assert asked == [5000, 2]


@pytest.mark.slow
@pytest.mark.parametrize("anchored", [False, True])
def test_compiled_networks_give_the_same_pictures(anchored, small_file, moved, silent, monkeypatch) -> None:
    """Through torch.compile's front, without a code generator: one size of batches; anchored UNets stay."""
    seen, networks = [], []

    def eager(network, folder):
        networks.append(isinstance(network, torch.nn.Module))
        made = compiled(network, folder, backend="eager")
        if isinstance(network, torch.nn.Module):
            network.conv_in.register_forward_hook(lambda module, args, out: seen.append(len(out)))
        return made

    monkeypatch.setattr(compiling, "compiled", eager)
    settings = {"steps": 2, "width": 64, "height": 48, "anchor": anchored, "batch": 2, "cfg_scale": 1.0}
    path, frames, keys = small_file(), [moved(n) for n in range(3)], [Key(n) for n in range(3)]
    anchor = (frames[0], keys[0]) if anchored else None
    expected = open_look(f"sd:{path}", settings).stylize(frames, keys, silent.report, anchor)
    look = open_look(f"sd:{path}", {**settings, "compile": "on"})
    for _ in range(2):  # A job's keys come in parts: what is compiled is called again, and not compiled anew.
        got = look.stylize(frames, keys, silent.report, anchor)
        assert networks == ([False] if anchored else [True, False])
        assert set(seen) == (set() if anchored else {2})
        for a, b in zip(got, expected, strict=True):
            assert np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max() <= 1
