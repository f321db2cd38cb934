from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from restrip.client.job import JobSpec
from restrip.jobs.outputs.model_facts import licence_notes, model_facts
from restrip.timeline import ClipRange, Key, Rate


def test_each_model_with_its_licence_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = {}
    for name, license_ in (("base", "cc-by-nc-4.0"), ("grain", ""), ("muse", "mit")):
        folder = tmp_path / ("embeddings" if name == "muse" else "Lora")
        folder.mkdir(exist_ok=True)
        paths[name] = folder / f"{name}.safetensors"
        told = {"modelspec.license": license_} if license_ else {}
        safetensors.numpy.save_file({"x": np.zeros(1, np.float32)}, paths[name], metadata=told)
    (tmp_path / "painted").mkdir()
    (tmp_path / "painted" / "00001.png").write_bytes(b"")
    monkeypatch.setenv("RESTRIP_MODELS", str(tmp_path))
    clip = ClipRange((str(tmp_path / "clip.mp4"),), Rate.of(25), 100)
    settings = {"lora": "grain:0.5", "control_file": str(tmp_path / "painted"), "negative_prompt": "muse"}
    found = model_facts(JobSpec("job-1", clip, (Key(3),), f"sd:{paths['base']}", settings))
    assert [(one["role"], one["name"], one["license"]) for one in found] == [
        ("look", "base.safetensors", "cc-by-nc-4.0"),
        ("negative_prompt embedding 0", "muse.safetensors", "mit"),
        ("lora 0", "grain.safetensors", "unknown"),
    ]
    assert str(tmp_path) not in str(found), "names without folders"
    assert licence_notes(found) == ["The licence of base.safetensors (cc-by-nc-4.0) forbids commercial use."]
    assert model_facts(JobSpec("job-2", clip, (Key(3),), "neural:3", {})) == []
