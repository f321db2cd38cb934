"""What an engine elsewhere made is put where this computer says, under the names that it would give itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from restrip.client.draft import facts_of, full_job, full_size
from restrip.client.job import JobSpec, KeyResult, Manifest, Output, StripFile
from restrip.jobs.outputs.delivery import Delivery
from restrip.remote.localize import BadResult, Localizer
from restrip.remote.remote_jobs import RemoteRender
from restrip.storage.owned_files import OutputExists
from restrip.timeline import ClipRange, FrameRange, Key, Rate

CLIP = ClipRange(("/clip.mkv",), Rate.of(25), 24)


def made(*files: str, baked: str = "", **facts: str) -> Manifest:
    keys = tuple(KeyResult(Key(n), "") for n in range(len(files)))
    strips = tuple(StripFile(n, FrameRange(0, 9), FrameRange(0, 9), file, "0") for n, file in enumerate(files))
    facts = {"format": "ffv1", **facts}
    return Manifest("job-1", "1", CLIP, (64, 48), "neural:1", {}, keys, strips, (), baked=baked, facts=facts)


def place(manifest: Manifest, tmp_path: Path) -> Manifest:
    """Its files are on the shelf here."""
    brought = {}
    for n, path in enumerate([*(strip.file for strip in manifest.strips), manifest.baked]):
        store = tmp_path / f"{n}"
        store.write_text("made there")
        brought[path] = store
    folder = tmp_path / "out"
    folder.mkdir()
    placing = Localizer(manifest, brought, folder, tmp_path / "keys")
    delivery = Delivery(tmp_path / "state", folder, str(folder.resolve()))
    delivery.expect(placing.targets)
    return placing.manifest(delivery)


@pytest.mark.parametrize("name", ["/there/..", "/there/.bashrc", "/there/", "C:\\there\\..", "/there/manifest.json"])
def test_names_are_given_here(name: str, tmp_path: Path) -> None:
    placed = place(made("/there/strip.mkv", name, baked="/there/../baked.sh"), tmp_path)
    named = [Path(path).name for path in (*(strip.file for strip in placed.strips), placed.baked)]
    assert named == ["strip-000-frame-00000.mkv", "strip-001-frame-00001.mkv", "baked.mkv"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(named)


@pytest.mark.parametrize("wrong", [made("/a.mkv", format="sh"), replace(made("/a.mkv"), keys=())])
def test_what_is_no_result_is_refused(wrong: Manifest, tmp_path: Path) -> None:
    with pytest.raises(BadResult):
        Localizer(wrong, {}, tmp_path, tmp_path / "keys")


def test_nothing_of_the_users_is_written_over(tmp_path: Path) -> None:
    manifest = made("/there/strip.mkv")
    (tmp_path / "there").write_text("made there")
    (tmp_path / "strip-000-frame-00000.mkv").write_text("precious")
    placing = Localizer(manifest, {"/there/strip.mkv": tmp_path / "there"}, tmp_path, tmp_path / "keys")
    with pytest.raises(OutputExists):
        placing.manifest(Delivery(tmp_path / "state", tmp_path, str(tmp_path.resolve())))
    assert (tmp_path / "strip-000-frame-00000.mkv").read_text() == "precious"


def test_a_draft_from_elsewhere_is_one_of_this_computers(tmp_path: Path) -> None:
    """Its files are called so, and the job that renders it in full has the paths here."""
    asked = JobSpec("job-1", CLIP, (Key(0), Key(1)), "keys:/here", output=Output(folder="/out", draft=True))
    there = replace(asked, clip=replace(CLIP, paths=("/there/clip.mkv",)), look="keys:/there")
    drawn = made("/there/a.mkv", "/there/b.mkv", baked="/there/baked.mkv")
    drawn = replace(drawn, facts={**drawn.facts, **facts_of(there, (192, 144))})
    placed = place(drawn, tmp_path)
    assert [Path(strip.file).name[:6] for strip in placed.strips] == ["draft-"] * 2
    assert Path(placed.baked).name == "draft-baked.mkv"
    manifest = RemoteRender(None, asked)._as_asked(placed)  # type: ignore[arg-type]
    assert full_size(manifest) == (192, 144)
    assert full_job(manifest, "job-2") == replace(asked, job_id="job-2", output=Output(folder="/out"))
