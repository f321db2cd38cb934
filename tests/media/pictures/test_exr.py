"""OpenEXR as renderers and other programs write it."""

from __future__ import annotations

import importlib.util
import json
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from restrip.media import probe, read_picture
from restrip.media.files import MediaUnreadable
from restrip.media.pictures.exr import exr_header, read_linear
from restrip.media.pictures.painting import read_painting

OpenEXR = pytest.importorskip("OpenEXR")
RNG = np.random.default_rng(5)
H, W = 12, 18
RED, GREEN, BLUE = (RNG.random((H, W)).astype(np.float32) for _ in range(3))
ALPHA = np.ones((H, W), np.float32)


def save(path: Path, channels: dict[str, np.ndarray], **header: object) -> str:
    given = {"compression": OpenEXR.ZIP_COMPRESSION, "type": OpenEXR.scanlineimage} | header
    OpenEXR.File(given, channels).write(str(path))
    return str(path)


def other(value: float) -> np.ndarray:
    return np.full((H, W), value, np.float32)


@pytest.mark.parametrize(
    ("channels", "layer"),
    [
        ({"R": RED, "G": GREEN, "B": BLUE}, ""),
        ({"View.Combined.R": RED, "View.Combined.G": GREEN, "View.Combined.B": BLUE, "View.Combined.A": ALPHA}, "x"),
        ({"A.Mist.Z": other(9), "B.Combined.R": RED, "B.Combined.G": GREEN, "B.Combined.B": BLUE}, "B.Combined"),
        ({"a.R": other(9), "a.G": other(9), "a.B": other(9), "R": RED, "G": GREEN, "B": BLUE}, ""),
        ({"diffuse.r": RED, "diffuse.g": GREEN, "diffuse.b": BLUE, "depth.Z": other(3)}, "diffuse"),
        ({"N.Normal.X": other(1), "N.Normal.Y": other(1), "N.Normal.Z": other(1),
          "V.Combined.R": RED, "V.Combined.G": GREEN, "V.Combined.B": BLUE}, "V.Combined"),
    ],
)  # fmt: skip
def test_of_layers_the_picture_is_taken(tmp_path: Path, channels: dict[str, np.ndarray], layer: str) -> None:
    path = save(tmp_path / "a.exr", channels)
    linear, alpha = read_linear(path)
    assert (linear == np.dstack([RED, GREEN, BLUE])).all()
    assert (alpha is not None) == any(name.endswith(".A") for name in channels) == probe([path]).alpha
    assert layer in ("", "x") or any(layer in note for note in exr_header(path).notes)


def test_grey_and_lone_channels(tmp_path: Path) -> None:
    for name in ("Y", "G", "whatever"):
        path = save(tmp_path / f"{name}.exr", {name: RED})
        assert (read_linear(path)[0] == RED[..., None]).all()
        assert any(f"Its only channel, {name}," in note for note in read_painting(path).notes) == (name != "Y")


def luminance_chroma(path: Path, planes: dict[str, np.ndarray]) -> str:
    """An OpenEXR file of scan lines, not compressed, of Y and of RY and BY at every second pixel of every second line.

    By hand, as the package writes no subsampled channels: openexr.com, "OpenEXR File Layout".
    """

    def attribute(name: str, kind: str, content: bytes) -> bytes:
        return name.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(content)) + content

    names = sorted(planes)
    steps = {name: 1 if name == "Y" else 2 for name in names}
    channels = b"".join(name.encode() + b"\0" + struct.pack("<iiii", 2, 0, steps[name], steps[name]) for name in names)
    box = struct.pack("<iiii", 0, 0, W - 1, H - 1)
    head = b"v/1\x01\x02\0\0\0" + b"".join(
        [
            attribute("channels", "chlist", channels + b"\0"),
            attribute("compression", "compression", b"\0"),
            attribute("dataWindow", "box2i", box),
            attribute("displayWindow", "box2i", box),
            attribute("lineOrder", "lineOrder", b"\0"),
            attribute("pixelAspectRatio", "float", struct.pack("<f", 1)),
            attribute("screenWindowCenter", "v2f", struct.pack("<ff", 0, 0)),
            attribute("screenWindowWidth", "float", struct.pack("<f", 1)),
            b"\0",
        ]
    )
    lines = []
    for y in range(H):
        row = b"".join(planes[n][y // steps[n]].astype("<f4").tobytes() for n in names if y % steps[n] == 0)
        lines.append(struct.pack("<ii", y, len(row)) + row)
    places = np.cumsum([len(head) + 8 * H, *map(len, lines[:-1])]).astype("<u8").tobytes()
    path.write_bytes(head + places + b"".join(lines))
    return str(path)


def test_luminance_and_chroma(tmp_path: Path) -> None:
    """RY = (R - Y) / Y and BY = (B - Y) / Y at every second pixel, as OpenEXR's own writer leaves them."""
    red, blue = (np.outer(np.linspace(0.3, 0.9, H), np.linspace(0.5, 1, W)).astype(np.float32) for _ in range(2))
    green = (red * 0.5 + 0.1).astype(np.float32)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    small = {name: ((plane - luma) / luma)[::2, ::2] for name, plane in (("RY", red), ("BY", blue))}
    path = luminance_chroma(tmp_path / "a.exr", {"Y": luma, **small})
    linear, _ = read_linear(path)
    off = np.abs(linear - np.dstack([red, green, blue]))
    assert off[:-1, :-1].max() < 0.01  # The last row and column lie beyond the last sample.
    assert off.max() < 0.08
    assert any("chroma" in note for note in probe([path]).notes)


def test_tiles_and_several_parts(tmp_path: Path) -> None:
    tiled = {"type": OpenEXR.tiledimage, "tiles": OpenEXR.TileDescription()}
    linear, _ = read_linear(save(tmp_path / "t.exr", {"R": RED, "G": GREEN, "B": BLUE}, **tiled))
    assert (linear == np.dstack([RED, GREEN, BLUE])).all()
    depth = OpenEXR.Part({"name": "depth"}, {"Z": other(4)})
    beauty = OpenEXR.Part({"name": "beauty"}, {"R": RED, "G": GREEN, "B": BLUE})
    OpenEXR.File([depth, beauty]).write(str(tmp_path / "p.exr"))
    linear, _ = read_linear(str(tmp_path / "p.exr"))
    assert (linear == np.dstack([RED, GREEN, BLUE])).all()


def test_the_display_window_is_the_picture(tmp_path: Path) -> None:
    """A render of a part of the frame lies where it belongs; what is rendered beyond the frame is cut off."""
    window = (np.array([-2, 3], np.int32), np.array([W - 3, H + 2], np.int32))
    frame = (np.array([0, 0], np.int32), np.array([W - 1, H - 1], np.int32))
    path = save(tmp_path / "a.exr", {"R": RED, "G": GREEN, "B": BLUE}, dataWindow=window, displayWindow=frame)
    linear, _ = read_linear(path)
    assert linear.shape == (H, W, 3)
    assert (linear[3:, : W - 2, 0] == RED[: H - 3, 2:]).all()
    assert linear[:3].max() == linear[:, W - 2 :].max() == 0
    assert any("window" in note for note in probe([path]).notes)


def test_colours_of_other_primaries_are_converted(tmp_path: Path) -> None:
    """ACEScg (AP1, its own white): its white is white, and Rec. 709's red keeps its place."""
    acescg = (0.713, 0.293, 0.165, 0.83, 0.128, 0.044, 0.32168, 0.33767)
    red = np.array([0.61309, 0.07019, 0.02062])  # Rec. 709's red in ACEScg with Bradford's adaptation.
    planes = {name: np.float32([[1, value]]) for name, value in zip("RGB", red, strict=True)}
    linear, _ = read_linear(save(tmp_path / "a.exr", planes, chromaticities=acescg))
    assert linear[0, 0] == pytest.approx([1, 1, 1], abs=2e-3)
    assert linear[0, 1] == pytest.approx([1, 0, 0], abs=2e-3)


def test_what_is_no_picture_is_named(tmp_path: Path) -> None:
    whole = Path(save(tmp_path / "a.exr", {"R": RED, "G": GREEN, "B": BLUE})).read_bytes()
    (tmp_path / "cut.exr").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "head.exr").write_bytes(whole[:60])
    data = save(tmp_path / "data.exr", {"id": RED, "depth": GREEN})
    for path in (tmp_path / "cut.exr", tmp_path / "head.exr", Path(data)):
        with pytest.raises(MediaUnreadable) as caught:
            read_picture(path)
        assert path.name in str(caught.value)
    assert "depth" in str(caught.value)
    # Where normals have a Y it is no luminance.
    normals = save(tmp_path / "n.exr", {"Z": RED, "N.X": RED, "N.Y": GREEN, "N.Z": BLUE})
    with pytest.raises(MediaUnreadable, match=r"none of its layers is a picture \(N\.X"):
        read_painting(normals)


@pytest.mark.skipif(importlib.util.find_spec("bpy") is None, reason="needs the package bpy")
def test_blenders_multilayer_files_are_what_blender_shows(tmp_path: Path) -> None:
    script = Path(__file__).parents[1] / "inside" / "layers.py"
    run = subprocess.run([sys.executable, str(script), str(tmp_path)], capture_output=True, text=True, timeout=180)
    assert run.returncode == 0, run.stdout + run.stderr
    (name,) = json.loads(run.stdout.splitlines()[-1])
    ours, theirs = read_picture(tmp_path / name), read_picture(tmp_path / "shown.png")
    over = ours.rgb * (ours.alpha[..., None] / 65535)
    seen = theirs.with_depth(True).rgb * (theirs.with_depth(True).alpha[..., None] / 65535)
    assert ours.rgb8().std() > 10
    assert np.abs(over - seen).max() <= 300
