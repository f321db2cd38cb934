"""What must never stand in the code that hears the wire, and what the supervisor must never load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[2] / "engine" / "restrip"
FORBIDDEN_MODULES = {"pickle", "marshal", "shelve", "dill", "cloudpickle"}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen"}
NUMERICS = ("torch", "cv2", "numpy", "av", "numba", "onnxruntime", "PIL", "diffusers", "ray")


@pytest.mark.parametrize("folder", ["link", "jobs", "service", "timeline"])
def test_no_pickle_no_eval_no_shell(folder: str) -> None:
    for path in sorted((ENGINE / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert not FORBIDDEN_MODULES & {alias.name.partition(".")[0] for alias in node.names}, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in FORBIDDEN_MODULES, path
            elif isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                owner = getattr(getattr(node.func, "value", None), "id", "")
                assert name not in FORBIDDEN_CALLS or owner == "re", f"{path}:{node.lineno} calls {name}"
                shell = [word for word in node.keywords if word.arg == "shell"]
                assert not shell, f"{path}:{node.lineno} names a shell"
                assert name not in ("recv_pyobj", "send_pyobj"), path


def test_the_supervisor_loads_no_numerics() -> None:
    program = (
        "import sys; import restrip.service.supervisor; import restrip.jobs.model.settings_schema as s; s.schema();"
        f"print([name for name in {NUMERICS} if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
