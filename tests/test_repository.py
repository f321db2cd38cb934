"""What the repository promises about itself: its commands, its links, its words."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).exists()]


def test_ci_runs_the_command_of_the_readme() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    commands = re.findall(r"^python3 -m venv .*pytest$", readme, re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_pictures_and_pages_that_documents_link_to_exist() -> None:
    missing = []
    for page in (p for p in tracked() if p.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)} -> {target}")
    assert not missing, missing


def test_no_path_of_a_developers_machine_is_in_the_tree() -> None:
    pattern = re.compile(r"(?<![\w.])/(?:work|root)/\w|/tmp/\w+/|pypi\.org|registry\.npmjs|deb\.debian")
    own = Path(__file__).resolve()
    found = []
    for path in tracked():
        if (
            path.suffix in {".py", ".md", ".toml", ".sh", ".json", ".txt"}
            and path.resolve() != own
            and "data" not in path.parts
        ):
            found += [f"{path.relative_to(ROOT)}: {m.group()}" for m in pattern.finditer(path.read_text("utf-8"))]
    assert not found, found
