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
    commands = re.findall(r"^python3 -m venv .*pytest\b.*$", readme, re.MULTILINE)
    assert len(commands) == 1
    assert commands[0] in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


def test_pictures_and_pages_that_documents_link_to_exist() -> None:
    missing = []
    for page in (p for p in tracked() if p.suffix == ".md"):
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
            if not re.match(r"[a-z]+:", target) and not (page.parent / target).exists():
                missing.append(f"{page.relative_to(ROOT)} -> {target}")
    assert not missing, missing


def test_modules_and_tests_that_documents_name_exist() -> None:
    """A file by the end of its path; a test by its name."""
    files = [f"/{path.relative_to(ROOT).as_posix()}" for path in tracked()]
    tests = {Path(file).stem for file in files}
    for path in (ROOT / "tests").rglob("*.py"):
        tests |= set(re.findall(r"def (test_\w+)", path.read_text("utf-8")))
    missing = []
    for page in [ROOT / "README.md", *(ROOT / name for name in MAP), *(ROOT / "docs").glob("*.md")]:
        text = page.read_text("utf-8")
        named = {name for name in re.findall(r"`([\w/]+\.py)`", text) if not re.search("[A-Z]{3}", name)}
        missing += [f"{page.name}: {name}" for name in named if not any(file.endswith(f"/{name}") for file in files)]
        missing += [f"{page.name}: {name}" for name in set(re.findall(r"\btest_[a-z]\w+", text)) - tests]
    assert missing == []


MAP = ("CONTRIBUTING.md", "docs/architecture.md")
BASES = ("", "engine/restrip", "engine/restrip/looks/diffusion", "resolve_script/restrip_resolve")
"""Where a name of theirs may begin."""


@pytest.mark.parametrize("page", MAP)
def test_what_the_map_and_the_recipes_name_exists(page: str) -> None:
    """Files, folders, and the names in capitals that a recipe finds in them."""
    text = (ROOT / page).read_text("utf-8")
    words = re.findall(r"`([^`\s]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    made = re.compile(r"[A-Z]{3}|[~%$]|^\.venv/")  # by whoever reads it, beside the code
    named = [word for word in words if "/" in word and not made.search(word)]
    assert len(named) > 40
    assert [name for name in named if not any((ROOT / base / name).exists() for base in BASES)] == []
    said = re.findall(r"`([A-Z_]{5,})`[^`]{1,30}`([\w/]+\.py)`", text)
    assert page != MAP[0] or len(said) > 8
    assert [pair for pair in said if not re.search(rf"^{pair[0]}\b", (ROOT / pair[1]).read_text("utf-8"), re.M)] == []


def test_the_map_shows_every_package() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    folders = [init.parent for init in (ROOT / "engine" / "restrip").glob("*/__init__.py")]
    assert len(folders) > 10
    assert [folder.name for folder in folders if f"`engine/restrip/{folder.name}/`" not in text] == []


@pytest.mark.parametrize("page", MAP)
def test_commands_of_the_map_name_scripts_that_exist(page: str) -> None:
    scripts = re.findall(r"python ((?:tests|blender_addon)/[\w/]+\.py)", (ROOT / page).read_text("utf-8"))
    assert [script for script in scripts if not (ROOT / script).exists()] == []


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
