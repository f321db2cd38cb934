"""What a job's tasks take."""

from __future__ import annotations

from restrip.jobs.resources.memory import needs_of, needs_of_look, segment_mib
from restrip.looks import Estimate


def test_only_stable_diffusion_asks_for_a_gpu() -> None:
    gpus = {look: needs_of_look(look)["gpu"] for look in ("sd:/models/a.ckpt", "neural:3+12", "keys:/painted", "")}
    assert gpus == {"sd:/models/a.ckpt": True, "neural:3+12": False, "keys:/painted": False, "": False}


def test_a_model_takes_what_check_says() -> None:
    found = needs_of("sd:x", Estimate((512, 512), 5120, 20), (512, 512))
    assert (found["gpu"], found["model_mib"]) == (True, 5120)
    assert needs_of("neural:1", None, (512, 512))["model_mib"] is None


def test_a_segment_takes_more_when_frames_are_larger() -> None:
    # 595 MiB were measured at 1280x720.
    assert 595 < segment_mib((1280, 720)) < 2 * 595
    assert segment_mib((64, 48)) > 300
