"""The kernels compile for real GPUs; no GPU is needed for that."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "benchmarks" / "propagation_gpu.py"


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="Triton is not installed")
def test_kernels_compile(tmp_path):
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path)
    done = subprocess.run(
        [sys.executable, SCRIPT, "--compile", "cuda:80"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    sizes = json.loads(done.stdout.strip().splitlines()[-1])
    assert {"describe_kernel", "start_kernel", "sweep_kernel", "vote_kernel", "read_kernel"} < set(sizes)
    folder = Path(importlib.util.find_spec("restrip.propagate.gpu.kernels").submodule_search_locations[0])
    written = "".join(path.read_text() for path in folder.glob("*_triton.py"))
    assert set(sizes) == set(re.findall(r"^def (\w+_kernel)\(", written, re.MULTILINE))  # none is forgotten
    assert all(size > 1000 for size in sizes.values())


def test_a_frame_of_another_size_finds_its_kernels_compiled():
    """Triton compiles a kernel again for sizes that 16 divides, unless it is told that they are as any."""
    folder = Path(__file__).parents[4] / "engine" / "restrip" / "propagate" / "gpu" / "kernels"
    kernels = re.compile(r"@triton\.jit(?:\(([^@]*?)\))?\ndef (\w+_kernel)\(([^)]*)\)", re.DOTALL)
    found = [each for path in folder.glob("*_triton.py") for each in kernels.findall(path.read_text())]
    assert len(found) > 30
    for told, kernel, given in found:
        sizes = {"h", "w", "hs", "ws"} & {name.strip() for name in given.split(",")}
        plain = re.search(r"do_not_specialize=\(([^)]*)\)", told)
        assert sizes <= set(re.findall(r"\w+", plain[1] if plain else "")), kernel
