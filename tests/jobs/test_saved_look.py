"""A job's look saved to a file, carried to another computer, and used there for other clips."""

from __future__ import annotations

import shutil
import unicodedata
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_bench import Hand, Little, frame_of

from restrip.client.job import JobSpec, Manifest
from restrip.errors import RestripError
from restrip.looks.look_file.archive import LookArchive
from restrip.looks.look_file.pictures import read_anchor
from restrip.looks.palette import Palette
from restrip.media import Frame, read_picture, write_picture
from restrip.timeline import Key


class Computer(Hand):
    """A hand with a folder of looks, which is its own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        root.mkdir(exist_ok=True)
        super().__init__(root / "state")
        self._patch = monkeypatch

    def task(self, kind: str, of: str = "", attempt: int = 0, **body: Any) -> dict[str, Any]:
        self._patch.setenv("RESTRIP_STATE_DIR", str(self.state))
        return super().task(kind, of, attempt, **body)

    def save(self, job_id: str, name: str, key: int | None = None, replace: bool = False) -> dict[str, Any]:
        return self.task("save_look", job_id=job_id, name=name, key=key, replace=replace)


@pytest.fixture
def first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    return Computer(tmp_path / "first", monkeypatch)


@pytest.fixture
def second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    return Computer(tmp_path / "second", monkeypatch)


def job(little: Little, job_id: str, *frames: int, look: str = "neural:4", **settings: Any) -> JobSpec:
    return little.job(job_id, *frames, look=look, settings=settings)


def using(little: Little, job_id: str, told: dict[str, Any], *frames: int) -> JobSpec:
    return job(little, job_id, *frames, look=told["look"], **told["settings"])


def picture_of(manifest: Manifest, n: int) -> Frame:
    return read_picture(manifest.keys[n].picture)


def code(run: Any) -> RestripError:
    with pytest.raises(RestripError) as caught:
        run()
    assert caught.value.remedy
    return caught.value


def test_a_saved_look_gives_its_own_key_to_the_bit_and_moves_others_to_it(
    first: Computer, second: Computer, little: Little, tmp_path: Path
) -> None:
    made = first.run(job(little, "job-1", 4, 16, style_strength=0.6, lean=0.3))
    told = first.save("job-1", "moody")
    assert told["look"] == "neural:4" and told["missing"] == [] and told["notes"] == []
    assert told["settings"]["style_strength"] == 0.6 and told["settings"]["lean"] == 0.3
    assert "propagate_on" not in told["settings"] and told["settings"]["anchor_file"] == told["path"]
    assert told["anchor"]["frame"] == 4 and Path(told["thumbnail"]).is_file()

    # On another computer, where the first one's folders aren't.
    copy = tmp_path / "a copy.restriplook"
    shutil.copyfile(told["path"], copy)
    shutil.rmtree(first.state / "looks")
    there = second.task("add_look", path=str(copy), name="", replace=False)
    assert there["name"] == "a copy" and there["path"].startswith(str(second.state))
    again = second.run(using(little, "job-2", there, 4, 20))
    assert np.array_equal(picture_of(again, 0).rgb, picture_of(made, 0).rgb), "the anchor is as it was"
    assert again.keys[1].facts["look_file"] == "a copy" and again.settings["anchor_file"] == there["path"]

    listed = second.task("looks", saved=True)["saved"]
    assert [(one["name"], one["look"], one["error"]) for one in listed] == [("a copy", "neural:4", None)]
    assert second.task("remove_look", name="a copy")["removed"] == there["path"]
    assert second.task("looks", saved=True)["saved"] == []
    assert second.task("looks")["saved"] == [], "other computers aren't shown one's own"


def test_another_key_of_the_look_is_another_picture_and_nothing_else_is(first: Computer, little: Little) -> None:
    first.run(job(little, "job-1", 4, 16))
    one, two = first.save("job-1", "one"), first.save("job-1", "two", key=16)
    assert (one["anchor"]["frame"], two["anchor"]["frame"]) == (4, 16)
    plain = first.run(job(little, "plain", 8))
    by_one, by_two = (first.run(using(little, f"by-{told['name']}", told, 8)) for told in (one, two))
    assert by_one.counts["keys_rendered"] == by_two.counts["keys_rendered"] == 1
    same = first.save("job-1", "the same")
    kept = first.run(using(little, "kept", same, 8))
    assert kept.counts["keys_rendered"] == 0, "equal anchors are one, whatever they are called"
    assert [run.keys[0].facts["look_file"] for run in (by_one, kept)] == ["one", "the same"], "as the user calls it"
    assert first.run(job(little, "plain-2", 8)).counts["keys_rendered"] == 0
    assert plain.keys[0].facts.get("look_file") is None


def test_a_draft_is_no_look_to_keep(first: Computer, little: Little) -> None:
    asked = job(little, "job-1", 4)
    first.run(replace(asked, output=replace(asked.output, draft=True)))
    told = code(lambda: first.save("job-1", "quick"))
    assert told.code == "no-look-to-save" and "in full" in told.remedy
    assert first.task("looks", saved=True)["saved"] == []


def test_a_painting_travels_in_its_look(first: Computer, second: Computer, little: Little, tmp_path: Path) -> None:
    painting = tmp_path / "waves.png"
    write_picture(painting, Frame(np.ascontiguousarray(255 - frame_of(3).rgb)))
    made = first.run(job(little, "job-1", 4, look=f"painting:{painting}"))
    told = first.save("job-1", "waves")
    sent = tmp_path / "sent.restriplook"
    shutil.copyfile(told["path"], sent)
    painting.unlink()
    there = second.task("add_look", path=str(sent), name="waves", replace=False)
    assert there["look"].startswith(f"painting:{second.state}") and not there["missing"]
    again = second.run(using(little, "job-2", there, 4, 9))
    assert np.array_equal(picture_of(again, 0).rgb, picture_of(made, 0).rgb)
    assert code(lambda: first.save("job-1", "again")).code == "no-look-to-save", "its painting is gone"


def test_a_style_picture_travels_in_its_look(first: Computer, second: Computer, little: Little, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    style = tmp_path / "waves.png"
    write_picture(style, Frame(np.ascontiguousarray(255 - frame_of(3).rgb)))
    settings = {"steps": 2, "width": 64, "height": 48, "device": "cpu", "style_picture": str(style)}
    made = first.run(job(little, "job-1", 4, 9, look="sd:tiny", **settings))
    told = first.save("job-1", "waves")
    sent = tmp_path / "sent.restriplook"
    shutil.copyfile(told["path"], sent)
    style.unlink()
    there = second.task("add_look", path=str(sent), name="waves", replace=False)
    assert there["settings"]["style_picture"].startswith(str(second.state)) and not there["missing"]
    assert str(tmp_path) not in str(there["models"])
    again = second.run(using(little, "job-2", there, 4, 9))
    assert np.array_equal(picture_of(again, 0).rgb, picture_of(made, 0).rgb)
    facts = [manifest.keys[1].facts["style"]["sha256"] for manifest in (made, again)]
    assert facts[0] == facts[1]
    assert code(lambda: first.save("job-1", "again")).code == "no-look-to-save", "its style picture is gone"


def test_models_are_found_again_by_their_hash_or_named(
    first: Computer, second: Computer, little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The look of a finished job with a checkpoint and a LoRA; their files are what counts, not their weights."""
    models = tmp_path / "models"
    (models / "Lora").mkdir(parents=True)
    checkpoint, lora = models / "dream.safetensors", models / "Lora" / "ink, fine.safetensors"
    checkpoint.write_bytes(b"a model" * 1000)
    lora.write_bytes(b"a lora" * 1000)
    manifest = first.run(job(little, "job-1", 4))
    settings = {**manifest.settings, "prompt": "a fox", "seed": 5, "lora": f'"{lora}":0.8', "device": "cpu"}
    del settings["style_strength"], settings["stroke_size"], settings["keep_color"]
    as_sd = replace(manifest, look=f"sd:{checkpoint}", settings=settings)
    from restrip.storage import json_files

    json_files.write_json(first.folder("job-1") / "manifest.json", as_sd.to_json())
    told = first.save("job-1", "dream")
    assert told["look"] == f"sd:{checkpoint}" and str(lora) in told["settings"]["lora"], "found where they lay"
    assert told["settings"]["prompt"] == "a fox" and told["settings"]["seed"] == 5 and "device" not in told["settings"]
    with LookArchive(told["path"]) as archive:
        assert str(tmp_path) not in str(archive.record.to_json()), "a look file names no folders"
        assert archive.record.look == "sd:dream.safetensors"

    sent = shutil.copyfile(told["path"], tmp_path / "sent.restriplook")
    monkeypatch.delenv("RESTRIP_MODELS", raising=False)
    there = second.task("add_look", path=str(sent), name="dream", replace=False)
    assert there["missing"] == ["dream.safetensors (look)", "ink, fine.safetensors (lora 0)"]
    error = code(lambda: second.task("read_look", look="dream", use=True))
    assert error.code == "look-incomplete" and "dream.safetensors" in error.message and "RESTRIP_MODELS" in error.remedy
    linked = second.task("read_look", look="dream", use=True, linked=True)
    assert linked["look"] == "sd:dream.safetensors" and len(linked["notes"]) == 2, "the other computer may have them"

    # Under other names, in a models folder of that computer.
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "Lora").mkdir(parents=True)
    checkpoint.rename(elsewhere / "renamed.safetensors")
    lora.rename(elsewhere / "Lora" / "ink2.safetensors")
    monkeypatch.setenv("RESTRIP_MODELS", str(elsewhere))
    found = second.task("read_look", look="dream", use=True)
    assert (
        found["look"] == f"sd:{elsewhere / 'renamed.safetensors'}" and "ink2.safetensors" in found["settings"]["lora"]
    )
    assert found["missing"] == [] and found["notes"] == []

    # A file of that name that is another one.
    (elsewhere / "renamed.safetensors").unlink()
    (elsewhere / "dream.safetensors").write_bytes(b"another model")
    other = second.task("read_look", look="dream", use=True)
    assert other["look"].endswith("dream.safetensors") and "isn't the same file" in other["notes"][0]


def test_what_cant_be_saved_or_read_is_said_and_nothing_is_lost(
    first: Computer, little: Little, tmp_path: Path
) -> None:
    first.run(job(little, "job-1", 4))
    first.run(little.job("painted", 4))
    told = first.save("job-1", "moody")
    before = Path(told["path"]).read_bytes()
    assert code(lambda: first.save("job-1", "moody")).code == "look-exists"
    assert code(lambda: first.save("job-1", "moody", key=5)).code == "look-exists"
    assert code(lambda: first.save("job-1", "other", key=5)).code == "no-look-to-save"
    assert code(lambda: first.save("painted", "painted")).code == "no-look-to-save"
    for name in (
        "",
        " ",
        "../up",
        "a/b",
        "a\\b",
        "nul",
        "COM1.x",
        ".hidden",
        "x" * 200,
        "a:b",
        "a\nb",
        "\U00010400" * 70,
        "..",
        "\u0301a",
        "\u200d",
        "a\u202eb",
    ):
        assert code(lambda name=name: first.save("job-1", name)).code == "bad-look-name", name
    assert code(lambda: first.task("read_look", look="no such")).code == "unknown-look-file"
    assert code(lambda: first.task("read_look", look=str(tmp_path / "no.restriplook"))).code == "media-missing"
    assert code(lambda: first.task("remove_look", name="no such")).code == "unknown-look-file"
    broken = tmp_path / "broken.restriplook"
    broken.write_bytes(before[:-200])
    assert code(lambda: first.task("add_look", path=str(broken), name="moody", replace=True)).code == "look-unreadable"
    assert Path(told["path"]).read_bytes() == before
    shutil.copyfile(broken, first.state / "looks" / "cut.restriplook")
    listed = {one["name"]: one for one in first.task("looks", saved=True)["saved"]}
    assert listed["moody"]["error"] is None and listed["cut"]["error"]["code"] == "look-unreadable"
    with pytest.raises(RestripError) as caught:
        first.run(job(little, "job-2", 8, anchor_file="cut"))
    assert caught.value.code == "look-unreadable"
    replaced = first.save("job-1", "moody", replace=True)
    assert replaced["path"] == told["path"]


def test_names_that_are_one_name_on_some_computers_are_one_look(first: Computer, little: Little) -> None:
    first.run(job(little, "job-1", 4))
    told = first.save("job-1", "Été à Nîmes")
    spread = unicodedata.normalize("NFD", "été à nîmes")
    error = code(lambda: first.save("job-1", spread))
    assert error.code == "look-exists" and "'Été à Nîmes'" in error.message and "--replace" in error.remedy
    assert first.task("read_look", look=spread)["path"] == told["path"]
    assert first.save("job-1", "ÉTÉ À NÎMES.restriplook", replace=True)["path"] == told["path"]
    ending = first.save("job-1", "ü" * 80)
    assert first.task("remove_look", name=f"{'Ü' * 80}.restriplook")["removed"] == ending["path"]
    assert code(lambda: first.task("remove_look", name="../job.json")).code == "unknown-look-file"
    assert [one["name"] for one in first.task("looks", saved=True)["saved"]] == ["Été à Nîmes"]
    scripts = ["नमस्ते", "ภาษาไทย", "שָׁלוֹם", "日本 の 夜", "می\u200cخواهم"]
    for name in scripts:
        assert Path(first.save("job-1", name)["path"]).stem == unicodedata.normalize("NFC", name)
    assert code(lambda: first.save("job-1", "میخواهم")).code == "look-exists", "a joiner isn't seen"


def test_of_two_that_are_saved_at_once_one_stays(
    first: Computer, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.run(job(little, "job-1", 4, 16))
    from restrip.jobs.tasks import look_files

    def late(target: Path, *given: Any, **how: Any) -> None:
        monkeypatch.setattr(look_files, "write_archive", plain)
        first.save("job-1", "moody", key=4)
        plain(target, *given, **how)

    plain = look_files.write_archive
    monkeypatch.setattr(look_files, "write_archive", late)
    assert code(lambda: first.save("job-1", "moody", key=16)).code == "look-exists"
    assert first.task("read_look", look="moody")["anchor"]["frame"] == 4
    copied = first.task("add_look", path=first.task("read_look", look="moody")["path"], name="a copy", replace=False)
    assert Path(copied["path"]).is_file() and not [*(first.state / "looks").glob(".*")]
    assert first.save("job-1", "moody", key=16, replace=True)["anchor"]["frame"] == 16


def test_a_full_disk_or_a_read_only_folder_loses_no_look(
    first: Computer, little: Little, monkeypatch: pytest.MonkeyPatch
) -> None:
    import errno
    import os

    first.run(job(little, "job-1", 4))
    told = first.save("job-1", "moody")
    before = Path(told["path"]).read_bytes()
    for number, said in ((errno.ENOSPC, "disk-full"), (errno.EROFS, "output-unwritable")):

        def fails(*_: Any, number: int = number) -> None:
            raise OSError(number, os.strerror(number))

        with monkeypatch.context() as patch:
            patch.setattr(zipfile.ZipFile, "writestr", fails)
            patch.setattr(shutil, "copyfile", fails)
            assert code(lambda: first.save("job-1", "moody", replace=True)).code == said
            assert code(lambda: first.save("job-1", "other")).code == said
            assert code(lambda: first.task("add_look", path=told["path"], name="other", replace=False)).code == said
        assert [one["name"] for one in first.task("looks", saved=True)["saved"]] == ["moody"]
        assert Path(told["path"]).read_bytes() == before and not [*(first.state / "looks").glob(".*")]
    shutil.rmtree(first.state / "looks" / "parts")
    with monkeypatch.context() as patch:
        patch.setattr("restrip.looks.look_file.shelf.write_whole", fails)
        assert first.task("looks", saved=True)["saved"][0]["error"] is None
        assert first.save("job-1", "no small picture")["thumbnail"] == "", "what is for lists alone loses no look"


def test_a_look_without_its_picture_is_said_and_one_without_a_small_one_serves(
    first: Computer, little: Little, tmp_path: Path
) -> None:
    first.run(job(little, "job-1", 4))
    told = first.save("job-1", "moody")
    with zipfile.ZipFile(told["path"]) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    for lost in ("picture.png", "frame.png", "thumbnail.jpg"):
        with zipfile.ZipFile(first.state / "looks" / f"no {lost[0]}.restriplook", "w") as less:
            for name in parts.keys() - {lost}:
                less.writestr(name, parts[name])
    listed = {one["name"]: one["error"] for one in first.task("looks", saved=True)["saved"]}
    assert "picture.png is missing" in listed["no p"]["message"] and "frame.png" in listed["no f"]["message"]
    assert listed["moody"] is None and listed["no t"] is None
    for name in ("no p", "no f"):
        assert code(lambda name=name: first.task("read_look", look=name)).code == "look-unreadable"
    assert first.task("read_look", look="no t", use=True)["thumbnail"] == ""
    odd = shutil.copyfile(told["path"], tmp_path / "50 % grey.restriplook")
    error = code(lambda: first.task("add_look", path=str(odd), name="", replace=False))
    assert error.code == "bad-look-name" and "--name" in error.remedy
    error = code(lambda: first.task("add_look", path=str(odd), name="MOODY", replace=False))
    assert error.code == "look-exists" and "--name" in error.remedy


def test_a_key_painted_by_hand_may_be_the_anchor(first: Computer, little: Little) -> None:
    painted = little.painted / "00016.png"
    spec = replace(job(little, "job-1", 4), keys=(Key(4), Key(16, image=str(painted))))
    first.run(spec)
    told = first.save("job-1", "by hand", key=16)
    anchor = read_anchor(told["path"])
    assert np.array_equal(anchor.picture.rgb, read_picture(str(painted)).rgb)
    assert np.array_equal(anchor.frame.rgb, frame_of(16).rgb)
    alone = first.run(job(little, "alone", 20))
    like = first.run(replace(using(little, "like", told, 20), cuts=(12,)))
    assert len(like.keys) == 2 and {one.facts["look_file"] for one in like.keys} == {"by hand"}, "across a cut, too"
    model, far, near = (
        Palette.of(picture.rgb.astype(np.float32) / 255).mean
        for picture in (anchor.picture, picture_of(alone, 0), picture_of(like, 1))
    )
    assert np.abs(near - model).sum() < np.abs(far - model).sum() / 3


def test_settings_that_are_not_known_here_are_left_out_with_a_note(first: Computer) -> None:
    from restrip.jobs.saved_look import look_here

    frozen = Path(__file__).parents[1] / "looks" / "look_file" / "version-1.restriplook"
    first.task("looks")
    with LookArchive(frozen) as archive:
        settings = {**archive.record.settings, "glow": 1, "style_strength": 9.0}
        object.__setattr__(archive, "record", replace(archive.record, settings=settings))
        here = look_here(archive)
    assert "glow" not in here.settings and "style_strength" not in here.settings
    assert len(here.notes) == 2 and "'glow'" in " ".join(here.notes)
    assert here.settings["stroke_size"] == 1.5 and not here.missing
