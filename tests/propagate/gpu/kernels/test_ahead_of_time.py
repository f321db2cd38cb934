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
