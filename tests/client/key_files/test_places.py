"""Where painted keys lie."""

from __future__ import annotations

from pathlib import Path

from restrip.client.job import JobSpec
from restrip.client.key_files.places import PAINTED, KeyPlaces, folder_of
from restrip.looks.families import FAMILIES
from restrip.timeline import ClipRange, Key, Rate


def spec(look: str, *keys: Key, **settings: object) -> JobSpec:
    return JobSpec("job", ClipRange(("/c.mp4",), Rate.of(25), 99), keys, look, settings)


def test_the_names_of_looks_of_painted_keys_are_the_engines() -> None:
    assert [name for family in FAMILIES for name in family.names if family.argument == "folder"] == list(PAINTED)
    assert folder_of("keys:/a/b") == "/a/b" and folder_of("painted:/a") == "/a" and folder_of("painting:/a") == ""


def test_a_jobs_pictures_are_its_keys_own_and_the_folders_for_the_others(tmp_path: Path) -> None:
    job = spec(f"keys:{tmp_path}", Key(0), Key(9, image="/wave.png"), Key(20), first_number=100)
    places = KeyPlaces.of(job)
    assert places == KeyPlaces(("/wave.png",), str(tmp_path), 100, frozenset({0, 20}))
    assert KeyPlaces.of(job, all_in_folder=True).frames is None
    assert KeyPlaces.from_json(places.to_json()) == places
    assert KeyPlaces.from_json(KeyPlaces().to_json()) == KeyPlaces()
    assert not KeyPlaces.of(spec("neural:3", Key(0))) and KeyPlaces.of(spec("neural:3", Key(0, image="/a.png")))
    (tmp_path / "key_120.png").touch()
    assert [places.painted_as(key) for key in job.keys] == ["", "/wave.png", str(tmp_path / "key_120.png")]
    (tmp_path / "key_120.kra").touch()
    assert places.painted_as(Key(20)) == str(tmp_path / "key_120.kra"), "what was exported from it isn't painted on"
