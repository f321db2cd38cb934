from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from restrip.looks.diffusion.checkpoints.finding import hub_folder
from restrip.looks.diffusion.checkpoints.origin import Origin, origin_of


def model(path: Path, **metadata: str) -> Path:
    safetensors.numpy.save_file({"x": np.zeros(1, np.float32)}, path, metadata=metadata)
    return path


def test_what_the_files_own_header_says(tmp_path: Path) -> None:
    path = model(tmp_path / "a.safetensors", **{"modelspec.license": "CreativeML RAIL-M", "modelspec.author": "Ann"})
    path.with_suffix(".md").write_text("license: mit\n")
    assert origin_of(path) == Origin("CreativeML RAIL-M", "Ann")


@pytest.mark.parametrize(
    "card", ["---\ntags: x\nlicense: openrail\n---\n# A model", "# A model\n\n**License**: openrail"]
)
def test_the_card_beside_it(card: str, tmp_path: Path) -> None:
    path = model(tmp_path / "a.safetensors")
    path.with_suffix(".md").write_text(card)
    path.with_suffix(".civitai.info").write_text(json.dumps({"modelId": 4384}))
    assert origin_of(path) == Origin("openrail", "civitai.com/models/4384")
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "README.md").write_text(card)
    assert origin_of(folder) == Origin("openrail", "")


def test_a_model_from_the_hub() -> None:
    folder = hub_folder() / "runwayml--stable-diffusion"
    folder.mkdir(parents=True)
    assert origin_of(folder) == Origin("", "hub:runwayml/stable-diffusion")


@pytest.mark.parametrize("content", [b"", b"\x00\xff" * 40, b"[1]", b'{"modelId": "x"}', b'{"modelId": null}'])
def test_nothing_is_known_of_what_says_nothing(content: bytes, tmp_path: Path) -> None:
    for name in ("a.safetensors", "a.md", "a.civitai.info"):
        (tmp_path / name).write_bytes(content)
    assert origin_of(tmp_path / "a.safetensors") == Origin()
    facts = Origin().facts()
    assert facts == {"license": "unknown", "origin": "unknown", "forbids_commercial_use": False}
    assert origin_of(tmp_path / "gone.ckpt") == Origin()


@pytest.mark.parametrize(
    ("name", "forbids"),
    [
        ("cc-by-nc-4.0", True), ("CC BY-NC-SA 4.0", True), ("flux-1-dev-non-commercial-license", True),
        ("sai-nc-community", True), ("Stability AI NonCommercial Research Community License", True),
        ("Non Commercial", True), ("creativeml-openrail-m", False), ("apache-2.0", False), ("mit", False),
        ("cc-by-4.0", False), ("fair-ai-public-license-1.0-sd", False), ("", False),
    ],
)  # fmt: skip
def test_licences_that_forbid_commercial_use(name: str, forbids: bool) -> None:
    assert Origin(name).forbids_commercial_use == forbids
