"""What the driver's tool says, read."""

from __future__ import annotations

import pytest

from restrip.jobs.gpu import read_answer


@pytest.mark.parametrize(
    ("text", "gpu"),
    [
        ("NVIDIA H100 80GB HBM3, 81559\n", {"name": "NVIDIA H100 80GB HBM3", "total_mib": 81559}),
        ("A, B, 8192\nC, 4096\n", {"name": "A, B", "total_mib": 8192}),
        ("NVIDIA-SMI has failed because it couldn't communicate with the driver.\n", None),
        ("Some GPU, [N/A]\n", None),
        ("", None),
    ],
)
def test_the_tools_answer(text: str, gpu: dict[str, object] | None) -> None:
    assert read_answer(text) == gpu
