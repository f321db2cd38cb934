"""Put files that were fetched from another computer where a job of this one's own would have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from restrip.client.draft import is_draft
from restrip.client.job import Manifest
from restrip.errors import RestripError
from restrip.jobs.outputs.delivery import Delivery, baked_name, strip_name
from restrip.jobs.outputs.finished_files import key_picture, put
from restrip.media.formats import FORMATS


class BadResult(RestripError):
    """The other engine sent something that is no result of this job."""

    code = "bad-result"

    def __init__(self, what: str) -> None:
        super().__init__(
            f"What came from the other computer is no result of this job: {what[:200]}.",
            "See that both have the same version of Restrip; retry, or render on this computer.",
        )


class Localizer:
    """Where the files of a manifest from there go: strips into `folder`, pictures of keys into `keys`.

    `brought` are the fetched files by their remote paths. Their names in the folder are decided here:
    as a job of this computer's own would call them. Raises BadResult for a manifest that no such job has.
    """

    def __init__(self, there: Manifest, brought: Mapping[str, Path], folder: Path, keys: Path) -> None:
        self._there, self._brought, self._keys = there, brought, keys
        try:
            extension = FORMATS[str(there.facts["format"])].extension
            draft = is_draft(there)
            named = {
                strip.file: strip_name(strip.key, there.keys[strip.key].key, extension, draft=draft)
                for strip in there.strips
            }
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise BadResult(str(error)) from error
        named |= {there.baked: baked_name(extension, draft=draft)} if there.baked else {}
        self._targets = {path: folder / name for path, name in named.items()}

    @property
    def targets(self) -> list[Path]:
        """What is about to be put into the folder."""
        return list(self._targets.values())

    def manifest(self, delivery: Delivery) -> Manifest:
        """Put the files in place and return the manifest with their local paths."""
        for path, target in self._targets.items():
            delivery.put(target, partial(self._place, path))
        self._keys.mkdir(exist_ok=True)
        keys = []
        for index, key in enumerate(self._there.keys):
            picture = self._keys / key_picture(index)
            if key.picture:
                put(self._brought[key.picture], picture)
            keys.append(replace(key, picture=str(picture) if key.picture else ""))
        strips = tuple(replace(strip, file=str(self._targets[strip.file])) for strip in self._there.strips)
        baked = str(self._targets[self._there.baked]) if self._there.baked else ""
        return replace(self._there, keys=tuple(keys), strips=strips, baked=baked)

    def _place(self, path: str, target: Path) -> None:
        """A file; or a folder of pictures, of which all files were brought."""
        if path in self._brought:
            put(self._brought[path], target)
            return
        target.mkdir()
        for inner, here in self._brought.items():
            if inner.startswith((f"{path}/", f"{path}\\")):
                put(here, target / here.name)


def last_name(path: str) -> str:
    """The last part of a path of either system."""
    return path.replace("\\", "/").rpartition("/")[2]
