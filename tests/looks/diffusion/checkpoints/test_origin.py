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


def test_a_card_that_names_another_licence(tmp_path: Path) -> None:
    path = model(tmp_path / "a.safetensors")
    path.with_suffix(".md").write_text("---\nlicense: other\nlicense_name: flux-non-commercial-license\n---\n")
    assert origin_of(path).license == "flux-non-commercial-license" and origin_of(path).forbids_commercial_use


def test_weights_of_a_family_with_one_licence(tmp_path: Path) -> None:
    """Trained from FLUX.2 klein, and saying nothing themselves."""
    for width, licence, forbids in ((7680, "Apache-2.0", False), (12288, "FLUX Non-Commercial License", True)):
        weights = {
            "img_in": (2, 1), "txt_in": (2, width), "time_in.in_layer": (2, 2), "single_stream_modulation.lin": (2, 2),
            "double_blocks.0.img_mlp.0": (12, 2), "double_blocks.0.img_attn.qkv": (6, 2),
            "single_blocks.0.linear1": (2, 2),
        }  # fmt: skip
        file = {f"{name}.weight": np.zeros(shape, np.float32) for name, shape in weights.items()}
        file["single_blocks.0.norm.query_norm.scale"] = np.zeros(2, np.float32)
        path = tmp_path / f"klein-{width}.safetensors"
        safetensors.numpy.save_file(file, path)
        assert (origin_of(path).license, origin_of(path).forbids_commercial_use) == (licence, forbids)
        path.with_suffix(".md").write_text("license: mine\n")
        assert origin_of(path).license == "mine"
