"""The files that a job names: all that may travel when it is done on another computer, and all that it is made from.

    source, matte, pictures of keys     named by the job itself
    the look's argument                 painting:FILE, keys:FOLDER, sd:MODEL
    settings                            those that the schema declares as files (`Setting.files`), and no others

Prompts and other texts are never searched for paths.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from restrip.client.job import JobSpec, clip_from_json
from restrip.client.setting import Setting
from restrip.errors import BadInput
from restrip.jobs.model.settings_schema import job_settings
from restrip.looks.diffusion.checkpoints import hub
from restrip.looks.diffusion.checkpoints.embedding_files import PREFIX, embeddings_here, renamed_embeddings
from restrip.looks.diffusion.checkpoints.file_lists import read_list, read_tags, renamed_list, renamed_tags
from restrip.looks.diffusion.checkpoints.finding import (
    SUFFIXES,
    find_file,
    hub_folder,
    models_folders,
)
from restrip.looks.diffusion.checkpoints.ip_adapter_files import adapter_files
from restrip.looks.families import family_of
from restrip.looks.keys_from_files import find_painted
from restrip.looks.look_file.record import SUFFIX
from restrip.looks.look_file.shelf import find_look
from restrip.timeline import Key, is_picture, pictures_in

MODEL_FILES = (*SUFFIXES, ".json", ".txt", ".model")
"""What of a model's folder belongs to the model: weights, configs, tokenizers."""


@dataclass(frozen=True)
class NamedFile:
    """A file or folder that a job names: what it is to the job ("source", "matte", "key 0", "look", "lora 0", ...), how
    it is written there, where it lies, and which files are meant by it; of a folder never more than what the job reads
    of it. The role of a relocated file stays the same.
    """

    role: str
    named: str
    path: str
    files: tuple[str, ...]

    @property
    def is_folder(self) -> bool:
        """Whether the job names a folder."""
        return self.files != (self.path,)


def files_of(spec: JobSpec) -> tuple[NamedFile, ...]:
    """All files that a job names. The pictures of a sequence are one entry each. The source, the matte and keys'
    pictures are listed whether they are there or not; what else isn't here may be known elsewhere by that name.

    LoRA in the prompts of single keys aren't listed: one model makes all keys, and they aren't used.

    Raises PaintedKeysAmbiguous and what else `find_painted` raises of a folder that is there.
    """
    return (*clip_files(spec), *key_files(spec), *matte_files(spec), *look_files(spec))


def inputs_of(named: Iterable[NamedFile]) -> dict[str, tuple[str, ...]]:
    """These files as inputs to be watched: a source's as one, and a matte's; of other folders each picture."""
    found: dict[str, tuple[str, ...]] = {}
    for file in named:
        if file.is_folder and file.role != "matte" and all(map(is_picture, file.files)):
            found.update({f"{file.role} {os.path.basename(path)}": (path,) for path in file.files})
        else:
            found[file.role] = (*found.get(file.role, ()), *file.files) if file.role == "source" else file.files
    return found


def clip_files(spec: JobSpec) -> Iterator[NamedFile]:
    """The movie, or the pictures of the sequence."""
    for path in spec.clip.paths:
        yield NamedFile("source", path, path, (path,))


def key_files(spec: JobSpec) -> Iterator[NamedFile]:
    """The pictures that keys bring along, and the embeddings that their prompts name."""
    for n, key in enumerate(spec.keys):
        if key.image:
            yield NamedFile(f"key {n}", key.image, key.image, (key.image,))
        if key.prompt:
            yield from _embeddings(f"key {n} prompt", key.prompt)


def matte_files(spec: JobSpec) -> Iterator[NamedFile]:
    """The matte."""
    if spec.matte:
        pictures = tuple(map(str, pictures_in(spec.matte))) if os.path.isdir(spec.matte) else ()
        yield NamedFile("matte", spec.matte, spec.matte, pictures or (spec.matte,))


def look_files(spec: JobSpec) -> Iterator[NamedFile]:
    """What the look's name and the settings name. A job without a look names nothing."""
    if not spec.look:
        return
    family, argument = family_of(spec.look)
    if family.argument == "model":
        yield from _model("look", argument)
    elif family.argument == "folder" and os.path.isabs(argument) and os.path.isdir(argument):
        pictures = tuple(map(str, find_painted(argument).values()))
        yield NamedFile("look", argument, argument, pictures)
    elif family.argument == "file" and os.path.isabs(argument) and os.path.isfile(argument):
        yield NamedFile("look", argument, argument, (argument,))
    for setting in _settings_of(spec):
        value = _value(setting, spec)
        if isinstance(value, str) and value:
            yield from _setting_files(setting, value)


def relocated(spec: JobSpec, places: Mapping[str, str]) -> JobSpec:
    """The job with its files elsewhere: `places` are their new paths by how the job names them (`NamedFile.named`)."""

    def at(name: str) -> str:
        return places.get(name, name)

    look = spec.look
    if look:
        family, argument = family_of(look)
        look = f"{look.partition(':')[0]}:{at(argument)}" if argument in places and family.names_path else look
    return replace(
        spec,
        clip=replace(spec.clip, paths=tuple(map(at, spec.clip.paths))),
        keys=tuple(_relocated_key(key, places) for key in spec.keys),
        look=look,
        settings={**spec.settings, **_relocated_settings(spec, places)},
        matte=at(spec.matte) if spec.matte else "",
    )


def spec_in(body: Mapping[str, Any]) -> JobSpec:
    """What a job of any kind names, as a spec: of a job for seeds or suggested keys the fields that it has.

    Raises BadJob, KeyError, TypeError, ValueError.
    """
    if body.get("kind", "render") == "render":
        return JobSpec.from_json(body)
    look = body.get("look") or {"name": "", "settings": {}}
    prompt = body.get("prompt")
    keys = (Key(0, prompt=prompt),) if prompt else ()
    return JobSpec("of-a-kind", clip_from_json(body["source"]), keys, look["name"], dict(look.get("settings", {})))


def with_files_of(body: Mapping[str, Any], spec: JobSpec) -> dict[str, Any]:
    """A job's JSON with the files that `spec` names; the rest as it is."""
    made = spec.to_json()
    new: dict[str, Any] = {name: made[name] for name in ("source", "matte") if name in body}
    if body.get("look"):
        new["look"] = {**body["look"], **made["look"]}
    if body.get("keys") is not None:
        new["keys"] = made["keys"]
    elif body.get("prompt"):
        new["prompt"] = made["keys"][0]["prompt"]
    return {**body, **new}


def _settings_of(spec: JobSpec) -> list[Setting]:
    """The settings that name files and count for this job's look."""
    prefix = family_of(spec.look)[0].prefix
    return [setting for setting in job_settings() if setting.files and (not setting.looks or prefix in setting.looks)]


def _value(setting: Setting, spec: JobSpec) -> Any:
    """What a job says of a setting; an IP-Adapter's image encoder that it doesn't name is the one found here."""
    value = spec.settings.get(setting.key)
    adapter = spec.settings.get("ip_adapter")
    if setting.key == "image_encoder" and not value and adapter and spec.settings.get("style_picture"):
        with suppress(BadInput):
            return str(adapter_files(str(adapter)).encoder)
    return value


def _setting_files(setting: Setting, value: str) -> Iterator[NamedFile]:
    if setting.holds == "look":
        yield from _look_file(setting.key, value)
    elif setting.files == "tags":
        yield from _tagged(setting.key, value)
    elif setting.files == "words":
        yield from _embeddings(setting.key, value)
    elif setting.files == "one":
        read = {"picture": _picture, "pictures": _pictures}.get(setting.holds, _model)
        yield from read(setting.key, value)
    else:
        for n, entry in enumerate(read_list(value, _is_here, kinds=setting.files == "list of kinds")):
            yield from _model(f"{setting.key} {n}", entry.name)


def _embeddings(role: str, prompt: str) -> Iterator[NamedFile]:
    """The embeddings that a prompt names, each once. One that isn't here is left to be missed by the look."""
    found = {one.name: str(one.path) for one in embeddings_here(prompt)}
    for n, (name, path) in enumerate(found.items()):
        yield NamedFile(f"{role} embedding {n}", PREFIX + name, path, (path,))


def _tagged(role: str, prompt: str) -> Iterator[NamedFile]:
    """LoRA in a prompt, files only, for a folder is none; and embeddings."""
    yield from _embeddings(role, prompt)
    for n, entry in enumerate(read_tags(prompt)):
        yield from (file for file in _model(f"{role} {n}", entry.name) if not file.is_folder)


def _model(role: str, name: str) -> Iterator[NamedFile]:
    """A model by path or name: a file of weights, or a folder with a model's parts. Nothing else is taken for one."""
    found = _find(name)
    if found is None:
        return
    if found.is_file() and found.suffix.lower() in SUFFIXES:
        yield NamedFile(role, name, str(found), (str(found),))
    elif (found / "model_index.json").is_file() or (found / "config.json").is_file():
        parts = sorted(path for path in found.rglob("*") if path.suffix.lower() in MODEL_FILES and path.is_file())
        yield NamedFile(role, name, str(found), tuple(map(str, parts)))


def _picture(role: str, name: str) -> Iterator[NamedFile]:
    """One picture, by its path."""
    if os.path.isabs(name) and os.path.isfile(name):
        yield NamedFile(role, name, name, (name,))


def _pictures(role: str, name: str) -> Iterator[NamedFile]:
    """A picture or movie, or a folder's pictures."""
    found = _find(name)
    if found is not None and found.is_file():
        yield NamedFile(role, name, str(found), (str(found),))
    elif found is not None:
        yield NamedFile(role, name, str(found), tuple(map(str, pictures_in(found))))


def _look_file(role: str, name: str) -> Iterator[NamedFile]:
    """A look file, by path or by the name of a saved look. Nothing else is taken for one."""
    try:
        found = find_look(name)
    except BadInput:
        return
    if found.suffix == SUFFIX and found.is_file():
        yield NamedFile(role, name, str(found), (str(found),))


def _find(name: str) -> Path | None:
    """Where a model or file of this name lies: under a path, or in a models folder; never in the current folder."""
    try:
        if name.startswith(hub.PREFIX):
            return hub.find(name.removeprefix(hub.PREFIX), hub_folder())
        found = find_file(name)
    except BadInput:
        return None
    named = name.startswith("~") or Path(name).is_absolute()
    return found if named or any(place.absolute() in found.parents for place in models_folders()) else None


def _is_here(name: str) -> bool:
    return _find(name) is not None


def _relocated_key(key: Key, places: Mapping[str, str]) -> Key:
    image = places.get(key.image, key.image) if key.image else key.image
    return replace(key, image=image, prompt=_relocated_prompt(key.prompt, places))


def _relocated_prompt(prompt: str | None, places: Mapping[str, str]) -> str | None:
    return renamed_embeddings(renamed_tags(prompt, places), places) if prompt else prompt


def _relocated_settings(spec: JobSpec, places: Mapping[str, str]) -> dict[str, Any]:
    moved: dict[str, Any] = {}
    for setting in _settings_of(spec) if spec.look else ():
        value = _value(setting, spec)
        if not isinstance(value, str) or not value:
            continue
        if setting.files == "one":
            if value in places or setting.key in spec.settings:
                moved[setting.key] = places.get(value, value)
        elif setting.files in ("tags", "words"):
            moved[setting.key] = _relocated_prompt(value, places)
        else:
            moved[setting.key] = renamed_list(value, places, kinds=setting.files == "list of kinds")
    return moved
