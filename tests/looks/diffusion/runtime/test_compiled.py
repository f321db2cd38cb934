from __future__ import annotations

import numpy as np
import pytest
import torch

from restrip.looks import Beside, open_look
from restrip.looks.diffusion.runtime import compiled as compiling
from restrip.looks.diffusion.runtime.compiled import PAYS_AT, compiled, pays
from restrip.timeline import Key

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def test_compiling_is_for_long_jobs_on_a_gpu() -> None:
    assert pays("auto", GPU, PAYS_AT // 15 + 1, 15) and not pays("auto", GPU, 10, 15)
    assert not pays("auto", CPU, PAYS_AT, 15)
    assert pays("on", CPU, 1, 1) and not pays("off", GPU, PAYS_AT, 15)


def test_a_job_counts_as_a_whole_though_its_keys_come_in_parts(small_file, moved, silent, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(compiling, "pays", lambda how, device, keys, evaluations: asked.append(keys))
    look = open_look(f"sd:{small_file()}", {"steps": 2, "width": 64, "height": 48, "anchor": False})
    look.stylize([moved(0)], [Key(0)], silent.report, None, Beside(keys=5000))
    look.stylize([moved(0), moved(1)], [Key(0), Key(1)], silent.report)
    assert asked == [5000, 2]


@pytest.mark.slow
@pytest.mark.parametrize("anchored", [False, True])
def test_compiled_networks_give_the_same_pictures(anchored, small_file, moved, silent, monkeypatch) -> None:
    """Through torch.compile's front, without a code generator: one size of batches, and each network once.

    Of anchored keys the batch with the anchor in it is asked uncompiled; the others see it in tensors that stay.
    """
    networks, graphs = [], []

    def eager(network, folder):
        networks.append(isinstance(network, torch.nn.Module))

        def backend(graph, inputs):
            graphs.append(len(networks))
            return graph.forward

        return compiled(network, folder, backend=backend)

    monkeypatch.setattr(compiling, "compiled", eager)
    settings = {"steps": 2, "width": 64, "height": 48, "anchor": anchored, "batch": 2, "cfg_scale": 1.0}
    path, frames, keys = small_file(), [moved(n) for n in range(4)], [Key(n) for n in range(4)]
    expected = open_look(f"sd:{path}", settings)
    look, made = open_look(f"sd:{path}", {**settings, "compile": "on"}), []
    # A job's keys come in parts, and jobs have other anchors: what is compiled is called again, and not compiled anew.
    for first in (0, 0, 1):
        anchor = (frames[first], keys[first]) if anchored else None
        for a, b in zip(
            look.stylize(frames[:3], keys[:3], silent.report, anchor),
            expected.stylize(frames[:3], keys[:3], silent.report, anchor),
            strict=True,
        ):
            assert np.abs(a.picture.rgb.astype(int) - b.picture.rgb).max() <= 1
        made.append(len(graphs))
    assert networks == [True, False, False]
    assert made[0] > 0 and made == made[:1] * 3
