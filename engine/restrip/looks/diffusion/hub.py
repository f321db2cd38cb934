"""Models from the Hugging Face hub: fetched only when asked for, used from disk ever after.

"sd:hub:owner/name" is the copy that `download` made; nothing is fetched by naming it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from restrip.errors import BadInput, RestripError
from restrip.progress import Report

PREFIX = "hub:"
REPO = re.compile(r"[\w.-]+/[\w.-]+")

# The networks and their configs; not the same weights a second time in other formats, nor pictures.
WANTED = ("*.json", "*.txt", "*.safetensors")
UNWANTED = ("*non_ema*", "safety_checker/*", "feature_extractor/*", "*.fp32.*", "*openvino*", "*onnx*")


class NotDownloaded(BadInput):
    """A hub model that isn't on this computer."""

    code = "not-downloaded"

    def __init__(self, repo: str, folder: Path) -> None:
        super().__init__(
            f"The model {repo} isn't on this computer.",
            f"Fetch it once with restrip models --download {repo}.",
            repo=repo,
            folder=str(folder),
        )


class DownloadFailed(RestripError):
    """The hub couldn't be reached, or has no such model."""

    code = "download-failed"

    def __init__(self, repo: str, why: str) -> None:
        super().__init__(
            f"{repo} couldn't be fetched: {why}.", "Check the name and the connection; what was fetched is kept.",
            repo=repo,
        )  # fmt: skip


def local_folder(repo: str, root: Path) -> Path:
    """Where a hub model lies below `root`. Raises NotDownloaded for a name that can't be one."""
    folder = root / repo.replace("/", "--")
    if not REPO.fullmatch(repo):
        raise NotDownloaded(repo, folder)
    return folder


def find(repo: str, root: Path) -> Path:
    """The folder of a hub model that was fetched before. Raises NotDownloaded."""
    folder = local_folder(repo, root)
    if not (folder / "model_index.json").exists() or (folder / ".incomplete").exists():
        raise NotDownloaded(repo, folder)
    return folder


def download(repo: str, root: Path, report: Report) -> Path:
    """Fetch a diffusers model; `report` gets files done and their number. What was fetched before stays.

    Raises NotDownloaded for a name that can't be one, DownloadFailed, and what `report` raises.
    """
    import huggingface_hub
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    folder = local_folder(repo, root)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".incomplete").touch()
    try:
        huggingface_hub.snapshot_download(
            repo,
            local_dir=folder,
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
            tqdm_class=_bar(report),
        )
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise DownloadFailed(repo, str(error).splitlines()[0][:200]) from error
    (folder / ".incomplete").unlink()
    return folder


def _bar(report: Report) -> Any:
    """What the hub's library draws its progress with, as a report; bars of single files are left out."""
    from tqdm.auto import tqdm

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            self.count, self.whole = 0, kwargs.get("total") or 0
            self.files = kwargs.get("unit", "it") == "it"

        def update(self, n: float | None = 1) -> bool | None:
            self.count += int(n or 0)
            if self.files and self.whole:
                report(min(self.count, self.whole), self.whole)
            return True

    return Bar
