"""What nobody has counts as free, and what the process only keeps where more is wanted."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from restrip.cuda.free_memory import free_mib  # noqa: E402


def test_what_is_kept_is_given_back_where_more_is_wanted_and_counts_as_taken_until_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gpu = {"free": 3000, "kept": 5000}

    def emptied() -> None:
        gpu.update(free=gpu["free"] + gpu["kept"], kept=0)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda *device: (gpu["free"] << 20, 10_000 << 20))
    monkeypatch.setattr(torch.cuda, "empty_cache", emptied)
    assert free_mib(2000) == 3000 and gpu["kept"] == 5000
    assert free_mib(4000) == 8000 and gpu["kept"] == 0
    assert free_mib(9000) == 8000


def test_without_a_gpu_there_is_none() -> None:
    if not torch.cuda.is_available():
        assert free_mib(100) == 0
