"""The networks, against the pictures that the package which they come from makes with them (tests/looks/recorded)."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from restrip.looks import LookUnavailable
from restrip.looks.style_transfer import networks
from restrip.looks.style_transfer.networks import FOLDER, AnyStyle, ManyLooks, Network

RECORDED = Path(__file__).parent / "recorded"
SHA256 = {
    "multistyle26": "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e",
    "arbitrary_predict": "d832a92a6afc170510252cc5b65836fcf8354909e6f17cf02f8960f4e054a20d",
    "arbitrary_transform": "866c80c340bee8d1c72f5237476244ccd9a6c1b11afdb9e7de37591b7a2345cd",
}


def recorded(name: str) -> Any:
    """A picture [H, W, 3] uint8."""
    return np.ascontiguousarray(cv2.imread(str(RECORDED / f"{name}.png"))[..., ::-1])


def test_the_network_runs_as_its_package_ran_it():
    weights = np.zeros(26, np.float32)
    weights[[3, 12]] = 0.75, 0.25
    ours = ManyLooks().paint(recorded("source").astype(np.float32) / 255, weights)
    assert ours.shape == (99, 101, 3) and ours.dtype == np.float32
    assert np.abs(ours * 255 - recorded("looks-3-12")).max() <= 0.6


def test_a_style_is_read_and_painted_as_the_package_did():
    picture = np.tile(recorded("source"), (3, 4, 1))[:216, :384]
    style = np.random.default_rng(4).integers(0, 255, (256, 256, 3), np.uint8)
    network = AnyStyle()
    ours = network.paint(picture.astype(np.float32) / 255, network.style(style.astype(np.float32) / 255))
    assert np.abs(ours[60:156, 100:228] * 255 - recorded("any-style")).max() <= 0.6


def test_a_picture_is_the_same_to_the_bit_whether_memory_is_kept_between_layers_or_not(monkeypatch):
    source, weights = recorded("source").astype(np.float32) / 255, np.full(26, 1 / 26, np.float32)
    looks = ManyLooks()
    roomy = looks.paint(source, weights)
    assert "_sparing" not in vars(looks.network)
    monkeypatch.setattr(networks, "ROOMY_PX", 99 * 101)  # the network's picture is padded
    np.testing.assert_array_equal(looks.paint(source, weights), roomy)
    assert "_sparing" in vars(looks.network)


@pytest.mark.parametrize("name", SHA256)
def test_a_network_is_known_by_its_bytes_and_as_it_always_was(name):
    assert Network(name).identity() == {"network": name, "sha256": SHA256[name], "package": "0.1.0"}
    assert hashlib.sha256((FOLDER / f"{name}.onnx").read_bytes()).hexdigest() == SHA256[name]
    assert f"{SHA256[name]}  {name}.onnx" in (FOLDER / "README.md").read_text("utf-8")


def test_without_onnxruntime_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(LookUnavailable, match="onnxruntime") as refused:
        ManyLooks().paint(np.zeros((32, 32, 3), np.float32), np.full(26, 1 / 26, np.float32))
    assert "[engine]" in refused.value.remedy


def test_a_network_that_is_not_there_is_named():
    with pytest.raises(LookUnavailable, match=r"nothing\.onnx"):
        Network("nothing")
