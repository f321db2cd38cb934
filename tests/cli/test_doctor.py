"""What `restrip doctor` says."""

from __future__ import annotations

import importlib.util

import pytest

from restrip.cli.doctor import carried_by


@pytest.mark.parametrize(
    ("api", "triton", "expected"),
    [
        ("cuda", True, "propagation by Triton"),
        ("cuda", False, "propagation by torch operations, without Triton's kernels"),
        ("hip", True, "propagation by torch operations, without Triton's kernels"),
        ("mps", True, "propagation runs on the CPU"),
    ],
)
def test_how_keys_are_carried(api: str, triton: bool, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if triton else None)
    assert carried_by(api) == expected
