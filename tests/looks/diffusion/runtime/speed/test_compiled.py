from __future__ import annotations

import types
from pathlib import Path

import numpy as np
import pytest
import torch
from recorders import StandIn

from restrip.looks import Beside, open_look
from restrip.looks.diffusion.backbones.stable_diffusion.unet import UnetBackbone
from restrip.looks.diffusion.runtime.speed.compiled import BatchKind, Compiled
from restrip.timeline import Key

SIZE = {"width": 64, "height": 48}


def pipelines(look):
    return list(look._studio._workplaces.values())


def compiled_of(asked: str, folder: Path, device: str = "cuda") -> Compiled:
    recipe = types.SimpleNamespace(compile=asked, replay=False, cfg_scale=1.0, guided_every=1)
    model = types.SimpleNamespace(device=torch.device(device), family=types.SimpleNamespace(name="sd15"))
    session = types.SimpleNamespace(recipe=recipe, model=model, ticks=15)
    return Compiled(session, None, (512, 512), folder)


def test_compiling_is_for_jobs_that_it_shortens(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "a GPU")
    kind, others = BatchKind("alone", 8), BatchKind("with the anchor", 8)
    auto = compiled_of("auto", tmp_path)
    assert not auto.pays(kind, 10**6)
    for _ in range(2):
        auto.took(kind, 1.2)
    keys = 60 / (1.2 / 8 * 0.35)
    assert auto.pays(kind, int(keys * 1.02)) and not auto.pays(kind, int(keys * 0.98))
    assert not auto.pays(others, 10**6), "that kind isn't known"
    assert compiled_of("on", tmp_path, "cpu").pays(kind, 1) and not compiled_of("off", tmp_path).pays(kind, 10**6)
    assert not compiled_of("auto", tmp_path, "cpu").pays(kind, 10**6)


def test_a_job_counts_as_a_whole_though_its_keys_come_in_parts(small_file, moved, silent, monkeypatch) -> None:
    asked = []
    monkeypatch.setattr(Compiled, "pays", lambda self, kind, keys: asked.append((kind.anchor, keys)))
    look = open_look(f"sd:{small_file()}", {"steps": 2, "batch": 2, "cfg_scale": 1.0, **SIZE})
    frames, keys = [moved(n) for n in range(5)], [Key(n) for n in range(5)]
    look.stylize(frames[:1], keys[:1], silent.report, None, Beside(keys=5000))
    look.stylize(frames, keys, silent.report, (frames[0], keys[0]), Beside(keys=5000))
    assert asked == [("alone", 5000), ("with the anchor", 2), ("anchored", 4998), ("anchored", 4996)]


@pytest.mark.slow
@pytest.mark.parametrize("anchored", [False, True])
def test_compiled_networks_give_the_same_pictures(anchored, small_file, moved, silent, monkeypatch) -> None:
    """Through torch.compile's front, without a code generator: one size of batches, and each shape of block once.

    A batch with the anchor in it is compiled too; the others see it in tensors that stay.
    """
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(Compiled, "backend", staticmethod(backend))
    settings = {"steps": 2, **SIZE, "anchor": anchored, "batch": 2, "cfg_scale": 1.0}
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
            assert a.notes == b.notes
        made.append(len(graphs))
    assert made[0] > 0 and made == made[:1] * 3


@pytest.mark.parametrize("settings", [{"anchor": False}, {}, {"anchor_attention": 0.5, "anchor_adain": True}])
def test_recorded_steps_give_the_same_pictures(settings, moved, silent, monkeypatch) -> None:
    recorder = StandIn()
    monkeypatch.setattr(Compiled, "recorder", staticmethod(recorder))
    settings = {"steps": 12, "denoising_strength": 0.6, "batch": 2, "cfg_scale": 3.0, **SIZE, **settings}
    frames, keys = [moved(n) for n in range(4)], [Key(n) for n in range(4)]
    anchor = (frames[0], keys[0])
    made = [
        open_look("sd:tiny", {**settings, "replay": on}).stylize(frames, keys, silent.report, anchor)
        for on in (True, False)
    ]
    for a, b in zip(*made, strict=True):
        assert np.array_equal(a.picture.rgb, b.picture.rgb) and a.notes == b.notes
    # Without an anchor all batches are alike; else the first one has it in it.
    assert recorder.recorded == (1 if settings.get("anchor") is False else 2)
    assert recorder.replays > 4


def test_what_fails_is_said_and_left(moved, silent, monkeypatch) -> None:
    def recorder(work):
        raise RuntimeError("capturing isn't allowed")

    monkeypatch.setattr(Compiled, "recorder", staticmethod(recorder))
    settings = {"steps": 12, "denoising_strength": 0.6, "cfg_scale": 1.0, "anchor": False, **SIZE}
    looks = [open_look("sd:tiny", {**settings, "replay": on}) for on in (True, False)]
    made = [look.stylize([moved(0)], [Key(0)], silent.report)[0] for look in looks]
    assert np.array_equal(made[0].picture.rgb, made[1].picture.rgb)
    assert any("couldn't be recorded (capturing isn't allowed)" in note for note in made[0].notes)


def test_nothing_is_recorded_that_moves_or_asks_the_processor(moved, silent, monkeypatch) -> None:
    recorder = StandIn()
    monkeypatch.setattr(Compiled, "recorder", staticmethod(recorder))
    settings = {"steps": 12, "cfg_scale": 1.0, "anchor": False, "replay": True, **SIZE}
    look = open_look("sd:tiny", settings)
    look.stylize([moved(0)], [Key(0)], silent.report)
    assert recorder.recorded == 1
    at = pipelines(look)[0]
    at.model.turns.active = True
    assert not at.compiled.replays()
    at.model.turns.active = False
    assert at.compiled.replays()
    monkeypatch.setattr(at.compiled, "room", False)
    assert not at.compiled.replays()
    monkeypatch.setattr(at.compiled, "room", True)
    monkeypatch.setattr(UnetBackbone, "replayable", False)
    assert not at.compiled.replays()
