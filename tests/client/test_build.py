"""Which build of Restrip is installed."""

from __future__ import annotations

from pathlib import Path

import pytest

from restrip.client import build
from restrip.client.build import build_id, installation, is_whole, own_build, stamp


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A small installation."""
    for name, text in {
        "__init__.py": "",
        "service/__main__.py": "x = 1",
        "data/net.onnx": "123",
        "service/__pycache__/a.pyc": "1",
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_this_one() -> None:
    assert len(own_build()) == 16 and own_build() == build_id() and is_whole()
    assert installation("b") == {"build": "b", "installation": str(build.PACKAGE), "python": installation("")["python"]}
    assert any(name == "looks/diffusion/look.py" for name, _, _ in stamp())
    assert not any("__pycache__" in name for name, _, _ in stamp())


def test_it_is_made_of_the_code_and_of_what_lies_beside_it(package: Path) -> None:
    first = build_id(package)
    (package / "service" / "__pycache__" / "a.pyc").write_text("22")
    assert build_id(package) == first
    seen = [first]
    for name, text in (
        ("service/__main__.py", "x = 2"),
        ("new.py", ""),
        ("data/net.onnx", "1234"),
        ("data/other.json", ""),
    ):
        (package / name).write_text(text)
        seen.append(build_id(package))
    assert len(set(seen)) == 5
    (package / "service" / "__main__.py").write_text("x = 1")
    (package / "data" / "net.onnx").write_text("123")
    for name in ("new.py", "data/other.json"):
        (package / name).unlink()
    assert build_id(package) == first  # Written anew, with the same content.


def test_a_package_without_an_engine_has_none(package: Path) -> None:
    (package / "service" / "__main__.py").unlink()
    assert build_id(package) == "" and not is_whole(package)
    assert build_id(package / "nowhere") == ""
