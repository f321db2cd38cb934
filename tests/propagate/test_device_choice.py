"""Where a segment is carried."""

from __future__ import annotations

import subprocess
import sys
from types import SimpleNamespace

import pytest

from restrip.propagate import PropagateSettings, device_choice
from restrip.propagate.device_choice import NoGpu, chosen
from restrip.propagate.gpu_memory import block_frames, field_block_frames, need_mib

HD, UHD, EIGHT_K = (1920, 1080), (3840, 2160), (7680, 4320)


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch):
    """Gives this process a GPU with so many MiB."""

    def give(mib: int) -> None:
        monkeypatch.setattr(device_choice, "gpu_mib", lambda: mib)

    return give


@pytest.mark.parametrize(
    ("mib", "asked", "size", "expected"),
    [
        (0, "auto", HD, "cpu"),
        (0, "cpu", HD, "cpu"),
        (8188, "auto", HD, "cuda"),
        (8188, "auto", UHD, "cuda"),
        (8188, "cpu", HD, "cpu"),
        (8188, "auto", EIGHT_K, "cpu"),
        (8188, "cuda", EIGHT_K, "cuda"),
        (81559, "auto", EIGHT_K, "cuda"),
    ],
)
def test_the_gpu_is_taken_where_it_is_large_enough(gpu, mib, asked, size, expected):
    gpu(mib)
    assert chosen(asked, size) == expected


def test_a_gpu_that_is_not_there_is_refused(gpu):
    gpu(0)
    with pytest.raises(NoGpu, match="restrip doctor"):
        chosen("cuda", HD)


def test_memory_fits_small_cards():
    assert need_mib(UHD) < need_mib(UHD, strokes=True) < 8000
    assert need_mib(HD) < need_mib(HD, strokes=True) < 3500
    assert 8 <= field_block_frames(UHD) < field_block_frames(HD) < block_frames(HD)
    assert block_frames(HD) == 192
    assert 8 <= block_frames(EIGHT_K) < block_frames(UHD) <= 192


def test_what_the_driver_shows_decides_whether_torch_is_asked(monkeypatch):
    monkeypatch.setattr(device_choice, "_likely", lambda: False)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert device_choice.gpu_mib.__wrapped__() == 0
    assert "torch" not in sys.modules
    cuda = SimpleNamespace(
        is_available=lambda: True, get_device_properties=lambda n: SimpleNamespace(total_memory=8 << 30)
    )
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    assert device_choice.gpu_mib.__wrapped__() == 8192


def test_neither_settings_nor_the_choice_load_torch():
    code = (
        "import sys, restrip.propagate.settings, restrip.propagate.device_choice as c;"
        "c.shutil.which = lambda name: None; c._SIGNS = ();"
        "assert c.chosen('auto', (640, 360)) == 'cpu';"
        "assert not {'torch', 'numpy', 'cv2'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_the_setting_is_the_device():
    assert PropagateSettings.of({}).device == "auto"
    assert PropagateSettings.of({"propagate_on": "cpu"}).device == "cpu"
    assert PropagateSettings.of({"propagate_on": "cpu"}, device="cuda").device == "cuda"
