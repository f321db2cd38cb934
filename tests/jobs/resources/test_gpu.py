"""What the driver's tool says, read."""

from __future__ import annotations

import pytest

from restrip.jobs.resources.gpu import list_gpus, read_answer, read_list


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


@pytest.mark.parametrize(
    ("text", "gpus"),
    [
        ("GPU 0: NVIDIA H100 (UUID: GPU-1f-2)\nGPU 1: NVIDIA H100 (UUID: GPU-9c-4)\n", ["GPU-1f-2", "GPU-9c-4"]),
        (
            "GPU 0: A100 (UUID: GPU-1)\n  MIG 3g.20gb Device 0: (UUID: MIG-a)\n  MIG 3g Device 1: (UUID: MIG-b)\n",
            ["MIG-a", "MIG-b"],
        ),
        ("No devices found.\n", []),
    ],
)
def test_the_tools_list(text: str, gpus: list[str]) -> None:
    assert read_list(text) == gpus


@pytest.mark.parametrize(
    ("visible", "gpus"),
    [("0,1", ["0", "1"]), ("", []), ("-1", []), (" GPU-a , GPU-b", ["GPU-a", "GPU-b"]), ("0,-1,2", ["0"])],
)
def test_what_the_user_lets_be_seen_counts(visible: str, gpus: list[str]) -> None:
    assert list_gpus({"CUDA_VISIBLE_DEVICES": visible}) == gpus
