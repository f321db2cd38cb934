"""Which files a job names, and the job with them elsewhere."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from restrip.client.job import JobSpec
from restrip.jobs.model.settings_schema import job_settings
from restrip.jobs.references import files_of, inputs_of, relocated, spec_in, with_files_of
from restrip.jobs.travelling_files import together
from restrip.looks.families import FAMILIES, LookFamily
from restrip.service.executors.ray.archive import reads_of
from restrip.timeline import ClipRange, Key, Rate


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A computer with models, a private folder, and an engine that runs in it."""
    for name in (
        "clip.mp4",
        "m,atte.png",
        "key.png",
        "models/Lora/grain.safetensors",
        "models/Lora/a, b.safetensors",
        "models/embeddings/muse.pt",
        "models/net/config.json",
        "models/net/weights.safetensors",
        "models/net/diary.pdf",
        "painted/00001.png",
        "painted/00002.png",
        "painted/taxes.xlsx",
        "private/secret.txt",
        "private/house.safetensors",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.setenv("RESTRIP_MODELS", str(tmp_path / "models"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def job(disk: Path, **settings: object) -> JobSpec:
    clip = ClipRange((str(disk / "clip.mp4"),), Rate.of(25), 100)
    return JobSpec("job-1", clip, (Key(3),), "sd:tiny", settings)


def named(spec: JobSpec) -> dict[str, str]:
    return {file.role: Path(file.path).name for file in files_of(spec)}


@pytest.mark.parametrize("setting", ["prompt", "negative_prompt", "original_prompt"])
def test_texts_are_never_searched_for_paths(disk: Path, setting: str) -> None:
    for text in (
        f"oil painting, {disk}/private, blue",
        f"{disk}/private/secret.txt",
        f"a={disk}/private:1.0;{disk}/private/house.safetensors:0.5",
        "oil painting, private, blue",
        f'"{disk}/private/secret.txt"',
    ):
        spec = job(disk, **{setting: text})
        spec = replace(spec, project=text, keys=(Key(3, prompt=text, name=text),))
        assert named(spec) == {"source": "clip.mp4"}
        places = {str(disk / "clip.mp4"): "/there/clip.mp4", str(disk / "private"): "/there/private"}
        assert relocated(spec, places).settings == {setting: text}, "its words are kept"


def test_only_what_the_schema_declares_is_a_file(disk: Path) -> None:
    declared = {setting.key: setting.files for setting in job_settings() if setting.files}
    assert declared == {
        "prompt": "tags",
        "negative_prompt": "words",
        "original_prompt": "words",
        "lora": "list",
        "controlnet": "list of kinds",
        "control_file": "one",
        "vae": "one",
        "anchor_file": "one",
        "style_picture": "one",
        "ip_adapter": "one",
        "image_encoder": "one",
        "text_encoder": "one",
    }
    assert all(setting.files for setting in job_settings() if setting.kind == "path")
    # Of another look's settings nothing is read.
    spec = replace(job(disk, lora=f"{disk}/private/house.safetensors"), look="neural:3")
    assert named(spec) == {"source": "clip.mp4"}


def test_what_is_named_is_found_by_path_and_by_name(disk: Path) -> None:
    spec = job(
        disk,
        prompt="a fox <lora:grain:0.7>, dusk",
        lora=f'a, b:0.5, {disk}/models/Lora/a, b.safetensors:0.2, "{disk}/models/Lora/grain.safetensors":1, gone:1',
        controlnet=f"tile={disk}/models/net:0.8@0-0.5, canny=net",
        vae=str(disk / "models" / "net"),
        control_file=str(disk / "painted"),
    )
    spec = replace(spec, matte=str(disk / "m,atte.png"), keys=(Key(3, image=str(disk / "key.png")), Key(5)))
    found = {file.role: file for file in files_of(spec)}
    assert {role: Path(file.path).name for role, file in found.items()} == {
        "source": "clip.mp4",
        "key 0": "key.png",
        "matte": "m,atte.png",
        "prompt 0": "grain.safetensors",
        "lora 0": "a, b.safetensors",
        "lora 1": "a, b.safetensors",
        "lora 2": "grain.safetensors",
        "controlnet 0": "net",
        "controlnet 1": "net",
        "vae": "net",
        "control_file": "painted",
    }
    assert {Path(path).name for path in found["vae"].files} == {"config.json", "weights.safetensors"}
    assert {Path(path).name for path in found["control_file"].files} == {"00001.png", "00002.png"}
    places = {file.named: f"/there, too/{Path(file.path).name}" for file in found.values()}
    moved = relocated(spec, places)
    assert moved.settings == {
        "prompt": "a fox <lora:/there, too/grain.safetensors:0.7>, dusk",
        "lora": '"/there, too/a, b.safetensors":0.5, "/there, too/a, b.safetensors":0.2, '
        '"/there, too/grain.safetensors":1, gone:1',
        "controlnet": 'tile="/there, too/net":0.8@0-0.5, canny="/there, too/net"',
        "vae": "/there, too/net",
        "control_file": "/there, too/painted",
    }
    assert (moved.matte, moved.keys[0].image) == ("/there, too/m,atte.png", "/there, too/key.png")
    # Led back it is what it was, but for how its lists are written.
    back = relocated(moved, {there: here for here, there in places.items()})
    assert (back.clip, back.keys, back.matte, back.look) == (spec.clip, spec.keys, spec.matte, spec.look)


@pytest.mark.parametrize(
    "settings",
    [
        {"lora": "{disk}/private:1"},
        {"lora": "{disk}/private/secret.txt:1"},
        {"prompt": "<lora:{disk}/private:1> <lora:{disk}/private/secret.txt:1> <lora:private/house:1>"},
        {"controlnet": "canny={disk}/private"},
        {"vae": "{disk}/private"},
        {"vae": "private/house.safetensors"},
    ],
)
def test_what_is_no_model_isnt_taken_for_one(disk: Path, settings: dict[str, str]) -> None:
    """A private folder that a setting names by mistake, and what a path means in the engine's own folder."""
    spec = job(disk, **{key: text.format(disk=disk) for key, text in settings.items()})
    assert named(spec) == {"source": "clip.mp4"}


def test_of_a_folder_of_painted_keys_only_the_pictures_go(disk: Path) -> None:
    spec = replace(job(disk), look=f"keys:{disk / 'painted'}")
    assert inputs_of(files_of(spec)) == {
        "source": (str(disk / "clip.mp4"),),
        "look 00001.png": (str(disk / "painted" / "00001.png"),),
        "look 00002.png": (str(disk / "painted" / "00002.png"),),
    }


@pytest.mark.parametrize("name", ["keys", "painted"])
def test_a_look_keeps_the_name_it_was_given_where_its_files_lie_elsewhere(disk: Path, name: str) -> None:
    spec = replace(job(disk), look=f"{name}:{disk / 'painted'}")
    assert relocated(spec, {str(disk / "painted"): "/there"}).look == f"{name}:/there"


ARGUMENTS = {"file": "st,yle.png", "folder": "painted", "model": "models/check, point.safetensors", "number": "3"}
VALUES = {
    "one": "{at}/models/net",
    "picture": "{at}/st,yle.png",
    "pictures": "{at}/painted",
    "look": "{at}/moody, two.restriplook",
    "list": '"{at}/models/Lora/a, b.safetensors":0.5, {at}/models/Lora/grain.safetensors',
    "list of kinds": "tile={at}/models/net:0.5@0-0.6",
    "tags": "{at}/private, {at}/private/secret.txt; <lora:{at}/models/Lora/grain.safetensors:0.3>={at}/private",
    "words": "blurry, (Muse:1.2), embedding:muse.pt",
}
"""Of every way to name files, by what the schema calls it."""


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.prefix)
def test_every_setting_that_can_hold_a_path_goes_both_ways(disk: Path, family: LookFamily) -> None:
    """To another computer and to a cluster the same files go, and in the job there nothing names this one's."""
    for name in ("st,yle.png", "models/check, point.safetensors", "moody, two.restriplook"):
        (disk / name).write_text(name)
    look = f"{family.prefix}:{disk}/{ARGUMENTS[family.argument]}" if family.names_path else f"{family.prefix}:3"
    own = [setting for setting in family.settings if setting.files]
    ways = {setting.key: setting.files if setting.holds == "model" else setting.holds for setting in own}
    spec = replace(
        job(disk, **{key: VALUES[way].format(at=disk) for key, way in ways.items()}),
        look=look,
        matte=str(disk / "m,atte.png"),
        keys=(Key(3, image=str(disk / "key.png")), Key(5)),
    )
    found = files_of(spec)
    roles = {file.role.partition(" ")[0] for file in found}
    assert roles == {"source", "matte", "key", *ways, *(["look"] if family.names_path else [])}
    listed = {path for file in found for path in file.files}
    assert not [path for path in listed if "private" in path or path.endswith((".pdf", ".xlsx"))]

    # Ray: bundles of folders.
    bundles = reads_of(spec.to_json()).bundles
    assert {str(Path(bundle.root, name)) for bundle in bundles for name in bundle.names} == listed
    # Another computer: file by file.
    assert {path for _, paths in together(spec) for path in paths} == listed

    places = {file.named: f"/there/{n}, {Path(file.path).name}" for n, file in enumerate(found)}
    moved = relocated(spec, places)
    texts = {key: str(moved.settings.pop(key)) for key, way in ways.items() if way == "tags"}  # type: ignore[attr-defined]
    assert str(disk) not in json.dumps(moved.to_json())
    for text in texts.values():
        # The one name in it was led there; the words around it stay.
        words = VALUES["tags"].format(at=disk).split(f"{disk}/models/Lora/grain.safetensors")
        assert text.startswith(words[0]) and text.endswith(words[1]) and "<lora:/there/" in text


def test_embeddings_go_along_with_every_prompt_that_names_them(disk: Path) -> None:
    spec = job(disk, prompt="a muse, amused", negative_prompt="nothing", look="sd:tiny")
    spec = replace(spec, keys=(Key(3, prompt="(muse:1.1) at dusk"), Key(5, prompt="embedding:gone, muse")))
    assert named(spec) == {
        "source": "clip.mp4", "prompt embedding 0": "muse.pt", "key 0 prompt embedding 0": "muse.pt",
        "key 1 prompt embedding 0": "muse.pt",
    }  # fmt: skip
    moved = relocated(spec, {"embedding:muse": "/there/1.pt"})
    assert moved.settings["prompt"] == "a <embedding:/there/1.pt>, amused"
    assert [key.prompt for key in moved.keys] == [
        "(<embedding:/there/1.pt>:1.1) at dusk",
        "embedding:gone, <embedding:/there/1.pt>",
    ]


def test_jobs_of_other_kinds_name_files_too(disk: Path) -> None:
    look = {"name": "sd:tiny", "settings": {"lora": "grain:0.5"}}
    source = job(disk).to_json()["source"]
    seeds = {"kind": "seeds", "source": source, "frame": 4, "n": 2, "prompt": f"a fox, {disk}/private", "look": look}
    spec = spec_in(seeds)
    assert named(spec) == {"source": "clip.mp4", "lora 0": "grain.safetensors"}
    moved = with_files_of(seeds, relocated(spec, {"grain": "/there/grain.safetensors", source["paths"][0]: "/c.mp4"}))
    assert moved == {
        **seeds,
        "source": {**source, "paths": ["/c.mp4"]},
        "look": {"name": "sd:tiny", "settings": {"lora": "/there/grain.safetensors:0.5"}},
    }
    suggest = {"kind": "suggest", "source": source, "count": 3, "error": None}
    assert named(spec_in(suggest)) == {"source": "clip.mp4"}


def test_a_look_file_travels_by_its_path_or_its_name(disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RESTRIP_STATE_DIR", str(disk / "state"))
    saved = disk / "state" / "looks" / "moody.restriplook"
    saved.parent.mkdir(parents=True)
    saved.write_text("a look")
    for name in ("moody", "moody.restriplook", str(saved)):
        spec = job(disk, anchor_file=name)
        assert named(spec) == {"source": "clip.mp4", "anchor_file": "moody.restriplook"}
        assert relocated(spec, {name: "/there/moody"}).settings == {"anchor_file": "/there/moody"}
    for name in (
        "",
        "private/secret.txt",
        str(disk / "private" / "secret.txt"),
        "../looks/moody",
        "another",
        str(disk / "gone.restriplook"),
    ):
        assert named(job(disk, anchor_file=name)) == {"source": "clip.mp4"}
