"""Models from the Hugging Face hub: fetched only when asked for, used from disk ever after.

"sd:hub:owner/name" is the copy that `download` made; nothing is fetched by naming it. `restrip models --download` runs
this file as a program, so that neither the engine nor its workers ever open a connection:

    python -m restrip.looks.diffusion.checkpoints.hub OWNER/NAME FOLDER
                                                                 a JSON object a line: {"done", "total", "unit"} ...
                                                                and at the end {"folder"} or {"error"}
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from restrip.client.origin import install_line
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


class NoHubName(BadInput):
    """What can't be the name of a hub model."""

    code = "no-hub-name"

    def __init__(self, given: str) -> None:
        super().__init__(f"{given[:80]!r} names no model of the hub.", "Write OWNER/NAME, as on the model's page.")


class DownloadFailed(RestripError):
    """The hub couldn't be reached, or has no such model."""

    code = "download-failed"

    def __init__(self, repo: str, why: str) -> None:
        super().__init__(
            f"{repo} couldn't be fetched: {why}.", "Check the name and the connection; what was fetched is kept.",
            repo=repo,
        )  # fmt: skip


class NoDownloader(RestripError):
    """The package that talks to the hub isn't installed."""

    code = "part-missing"

    def __init__(self, package: str) -> None:
        super().__init__(
            f"Fetching a model needs {package}, which isn't installed.",
            f"Install it with: {install_line('diffusion')}",
            package=package,
        )


def local_folder(repo: str, root: Path) -> Path:
    """Where a hub model lies below `root`. Raises NoHubName."""
    if not REPO.fullmatch(repo) or ".." in repo:
        raise NoHubName(repo)
    return root / repo.replace("/", "--")


def find(repo: str, root: Path) -> Path:
    """The folder of a hub model that was fetched before. Raises NotDownloaded, NoHubName."""
    folder = local_folder(repo, root)
    if not (folder / "model_index.json").exists() or (folder / ".incomplete").exists():
        raise NotDownloaded(repo, folder)
    return folder


def download(repo: str, root: Path, report: Report) -> Path:
    """Fetch a diffusers model; `report` gets what is done of it, in MiB, or in files while bytes aren't known.

    A download that was interrupted is continued.

    Raises NoHubName, DownloadFailed, and what `report` raises.
    """
    import huggingface_hub
    from huggingface_hub.errors import (
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    folder = local_folder(repo, root)
    try:
        files = _wanted([file.rfilename for file in huggingface_hub.model_info(repo).siblings or ()])
        if "model_index.json" not in files:
            raise DownloadFailed(repo, "it isn't a diffusers model")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".incomplete").touch()
        huggingface_hub.snapshot_download(
            repo,
            local_dir=folder,
            allow_patterns=list(WANTED),
            ignore_patterns=list(UNWANTED),
            tqdm_class=_bar(report),
        )
    except RepositoryNotFoundError as error:
        raise DownloadFailed(repo, "the hub has no such model, or doesn't show it to everybody") from error
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise _failed(repo, error) from error
    except _of_transport() as error:
        raise _failed(repo, error) from error
    # With no connection the library takes what is there for the model.
    missing = [name for name in files if not (folder / name).exists()]
    if missing:
        raise DownloadFailed(repo, f"{len(missing)} of its {len(files)} files are missing, such as {missing[0]}")
    (folder / ".incomplete").unlink()
    return folder


def _failed(repo: str, error: Exception) -> DownloadFailed:
    return DownloadFailed(repo, (str(error) or type(error).__name__).splitlines()[0][:200])


def _wanted(names: Sequence[str]) -> list[str]:
    """The files of a model that are used."""
    from huggingface_hub.utils import filter_repo_objects  # type: ignore[attr-defined]

    return list(filter_repo_objects(names, allow_patterns=list(WANTED), ignore_patterns=list(UNWANTED)))


def _of_transport() -> tuple[type[Exception], ...]:
    """What the HTTP library raises, which the hub's library lets through; which one that is depends on its version."""
    known = (("httpx2", "HTTPError"), ("httpx", "HTTPError"), ("requests", "RequestException"))
    return tuple(getattr(sys.modules[module], name) for module, name in known if module in sys.modules)


def _bar(report: Report) -> Any:
    """What the hub's library draws its progress with, as one report: bytes where it tells them, else files.

    Its threads share the bars; of several that count bytes the one that is furthest speaks.
    """
    from tqdm.auto import tqdm

    lock, furthest = threading.Lock(), [0]

    class Bar(tqdm):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **{**kwargs, "disable": True})
            self.count, self.total = 0, kwargs.get("total") or 0
            self.bytes = kwargs.get("unit") == "B"

        def update(self, n: float | None = 1) -> bool | None:
            with lock:
                self.count += int(n or 0)
                if self.bytes and self.total and self.count > furthest[0]:
                    furthest[0] = self.count
                    report(min(self.count, self.total) >> 20, max(1, self.total >> 20), "MiB")
                elif not self.bytes and self.total and not furthest[0]:
                    report(min(self.count, self.total), self.total, "files")
            return True

    return Bar


def main(arguments: Sequence[str]) -> int:
    """Fetch one model and tell of it on stdout."""
    repo, root = arguments
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

    def tell(**what: Any) -> None:
        print(json.dumps(what), flush=True)

    try:
        folder = download(repo, Path(root), lambda done, total, note="": tell(done=done, total=total, unit=note))
    except RestripError as error:
        tell(error=error.to_wire())
        return 1
    except ModuleNotFoundError as error:
        tell(error=NoDownloader(error.name or "").to_wire())
        return 1
    tell(folder=str(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
