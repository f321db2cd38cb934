"""`restrip models`: what is in a folder, and the one thing that downloads. The hub is a small package of the test's."""

from __future__ import annotations

import json
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest

from restrip.cli import main, options

# Stands for the package of this name in the child process, so that nothing is fetched from anywhere.
FAKE_HUB = """
from pathlib import Path
from types import SimpleNamespace

def model_info(repo):
    if repo == "owner/gone":
        from huggingface_hub.errors import RepositoryNotFoundError
        raise RepositoryNotFoundError
    return SimpleNamespace(siblings=[SimpleNamespace(rfilename="model_index.json")])

def snapshot_download(repo, local_dir, tqdm_class, **more):
    print("Fetching, says a library.")
    bar = tqdm_class(total=0, unit="B")
    bar.total = 64 << 20
    for _ in range(2):
        bar.update(32 << 20)
    (Path(local_dir) / "model_index.json").write_text("{}")
"""
ERRORS = """
class HfHubHTTPError(Exception): ...
class HFValidationError(Exception): ...
class LocalEntryNotFoundError(Exception): ...
class RepositoryNotFoundError(Exception): ...
"""


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder whose child processes find the fake hub; returns where models are kept."""
    pytest.importorskip("tqdm")
    package = tmp_path / "fake" / "huggingface_hub"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(FAKE_HUB)
    (package / "errors.py").write_text(ERRORS)
    (package / "utils.py").write_text("def filter_repo_objects(names, **patterns): return names")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "fake"))
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(tmp_path / "state"))
    return tmp_path / "state" / "models"


def test_a_model_is_fetched_when_it_is_asked_for(hub: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--download", "owner/model", "--json"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {"folder": str(hub / "owner--model"), "look": "sd:hub:owner/model"}
    told = [json.loads(line) for line in printed.err.splitlines()]
    assert [(line["phase"], line["done"], line["total"], line["unit"]) for line in told] == [
        ("fetching", 32, 64, "MiB"),
        ("fetching", 64, 64, "MiB"),
    ]
    from restrip.looks.diffusion.checkpoints.hub import find

    assert find("owner/model", hub) == hub / "owner--model"


@pytest.mark.parametrize(
    ("name", "code", "ends"), [("owner/gone", "download-failed", 1), ("../../etc", "no-hub-name", 2)]
)
def test_what_goes_wrong_is_told(
    name: str, code: str, ends: int, hub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["models", "--download", name, "--json"]) == ends
    assert json.loads(capsys.readouterr().err)["error"]["code"] == code


def test_the_error_names_the_command_that_helps() -> None:
    from restrip.cli import build_parser
    from restrip.looks.diffusion.checkpoints.hub import NotDownloaded

    error = NotDownloaded("owner/model", Path("x"))
    command = error.remedy[error.remedy.index("restrip ") :].rstrip(".").split()
    assert build_parser().parse_args(command[1:]).download == "owner/model"


def test_a_folder_or_a_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["models", "folder", "--download", "a/b"])
    assert "not allowed with" in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = SimpleNamespace(models=lambda folder: [])
    monkeypatch.setattr(options, "open_client", lambda: nullcontext(client))
    assert main(["models", str(tmp_path / "gone")]) == 2
    assert "gone is no folder" in capsys.readouterr().err
    assert main(["models", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
