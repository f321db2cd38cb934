"""Keys of the diffusion look as jobs make them: against one anchor, each carried into the next, inside a matte."""

from __future__ import annotations

import shutil
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from job_bench import FRAMES, Hand, Little, frame_of

from restrip.client.job import JobSpec
from restrip.jobs.cache import Cache
from restrip.jobs.matte import BlackMatte
from restrip.jobs.model.plan import Plan
from restrip.jobs.outputs.model_facts import model_facts
from restrip.jobs.tasks import keys as keys_module
from restrip.jobs.tasks import prepare, queries
from restrip.jobs.tasks.keys import key_picture
from restrip.looks import open_look
from restrip.looks.diffusion.checkpoints.finding import TINY
from restrip.looks.diffusion.look import DiffusionLook
from restrip.looks.look import Estimate
from restrip.media import Frame, MovieWriter, read_picture, write_picture
from restrip.storage import json_files
from restrip.timeline import Key, Rate

FAST = {"prompt": "a photo", "steps": 4, "width": 64, "height": 48, "cfg_scale": 1.0, "device": "cpu"}


@pytest.fixture
def rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures each call of the network's maker made."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    from restrip.looks.diffusion.runtime.precision_retry import Maker

    made: list[int] = []
    make = Maker.make

    def counted(self: Maker, rows: Any, *more: Any) -> Any:
        made.append(len(rows))
        return make(self, rows, *more)

    monkeypatch.setattr(Maker, "make", counted)
    return made


def planned(hand: Hand, spec: JobSpec) -> tuple[Plan, list[int]]:
    hand.put(spec)
    missing = hand.task("prepare", spec.job_id)["missing_keys"]
    body: Any = json_files.read_json(hand.folder(spec.job_id) / "plan.json")
    return Plan.from_json(body["plan"]), missing


def cache_of(hand: Hand) -> Cache:
    return Cache(hand.state)


def picture(hand: Hand, plan: Plan, index: int) -> np.ndarray:
    entry = cache_of(hand).find("keys", plan.key_hashes[index])
    assert entry is not None
    return key_picture(entry).rgb8().astype(int)


def job(little: Little, job_id: str, *frames: int, **settings: Any) -> JobSpec:
    return little.job(job_id, *frames, look="sd:tiny", settings={**FAST, **settings})


@pytest.mark.parametrize("gpu", [None, {"name": "any", "total_mib": 8000}])
def test_the_anchor_is_made_once(
    gpu: Any, little: Little, tmp_path: Path, rows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one, and in one call as on a GPU."""
    monkeypatch.setattr(keys_module, "find_gpu", lambda: gpu)
    hand = Hand(tmp_path / "state")
    plan, missing = planned(hand, job(little, "job-1", 2, 8, 14))
    assert (missing, plan.anchor) == ([0, 1, 2], 0)
    assert hand.task("keys", "job-1", keys=missing) == {"rendered": 3}
    assert rows == [1, 1, 1]
    told = [more for _, _, _, more in hand.reports if "preview" in more]
    assert [more["frame"] for more in told] == [2, 8, 14]
    assert len({more["picture"] for more in told}) == 3 and all(Path(more["picture"]).is_file() for more in told)
    alone, _ = planned(hand, job(little, "job-2", 2))
    assert alone.key_hashes[0] == plan.key_hashes[0]  # a seed tried on the anchor's frame is the anchor


def test_another_key_can_be_the_anchor(little: Little, tmp_path: Path, rows: list[int]) -> None:
    hand = Hand(tmp_path / "state")
    plan, missing = planned(hand, job(little, "job-1", 2, 8, 14, anchor_key=1))
    hand.task("keys", "job-1", keys=missing)
    assert plan.anchor == 1 and rows == [1, 1, 1]
    facts = [cache_of(hand).find("keys", plan.key_hashes[n]).facts["facts"]["anchor"] for n in range(3)]  # type: ignore[union-attr]
    assert facts == [8, 8, 8]
    other, _ = planned(hand, job(little, "job-2", 2, 8, 14, anchor_key=9))
    assert other.anchor == 0 and any("Key 9 can't be the anchor" in note for note in other.notes)


def test_carried_keys_do_not_depend_on_who_makes_them_when(little: Little, tmp_path: Path, rows: list[int]) -> None:
    """One task after the other, and the last key asked for first by a worker that has nothing yet."""
    settings = {"previous_fusion": 1.0, "anchor_key": 1, "anchor_fusion": 0.5}
    first, second = Hand(tmp_path / "a"), Hand(tmp_path / "b")
    plan, missing = planned(first, job(little, "job-1", 2, 6, 10, 14, **settings))
    assert plan.previous == (1, None, 1, 2)
    assert first.task("keys", "job-1", keys=missing) == {"rendered": 4}
    planned(second, job(little, "job-1", 2, 6, 10, 14, **settings))
    assert second.task("keys", "job-1", keys=[3]) == {"rendered": 3}
    assert second.task("keys", "job-1", keys=missing) == {"rendered": 1}
    for index in range(4):
        assert np.abs(picture(first, plan, index) - picture(second, plan, index)).max() <= 1
    plain, missing = planned(first, job(little, "job-2", 2, 6, 10, 14, anchor_key=1, anchor_fusion=0.5))
    assert missing == [0, 1, 2, 3]
    first.task("keys", "job-2", keys=missing)
    assert np.abs(picture(first, plan, 3) - picture(first, plain, 3)).max() > 3


def test_a_carried_key_that_changes_makes_those_after_it_again(little: Little, tmp_path: Path) -> None:
    settings = {"previous_fusion": 1.0}
    hand = Hand(tmp_path / "state")
    plans = [
        planned(hand, job(little, "job-1", 2, 6, 10, 14, **settings))[0],
        planned(hand, job(little, "job-2", 2, 6, 11, 14, **settings))[0],
    ]
    same = [a == b for a, b in zip(plans[0].key_hashes, plans[1].key_hashes, strict=True)]
    assert same == [True, True, False, False]
    cut, _ = planned(hand, little.job("job-3", 2, 6, 10, 14, look="sd:tiny", settings={**FAST, **settings}, cuts=(8,)))
    assert cut.previous == (None, 0, None, 2)


def test_a_painted_key_is_carried_too(little: Little, tmp_path: Path, rows: list[int]) -> None:
    write_picture(tmp_path / "red.png", Frame(np.full((48, 64, 3), (220, 30, 30), np.uint8)))
    keys = (Key(2, image=str(tmp_path / "red.png")), Key(4), Key(14))
    hand = Hand(tmp_path / "state")
    settings = {**FAST, "previous_fusion": 1.0, "anchor": False, "denoising_strength": 0.3}
    plan, missing = planned(hand, little.job("job-1", look="sd:tiny", settings=settings, keys=keys))
    assert plan.previous == (None, 0, 1)
    hand.task("keys", "job-1", keys=[1])  # the painted one is cached on the way
    assert rows == [1]
    red = picture(hand, plan, 1)[8:40, 34:60].mean(axis=(0, 1))
    assert red[0] > red[1] + 80 and red[0] > red[2] + 80
    assert hand.task("keys", "job-1", keys=missing) == {"rendered": 1}


def test_the_anchor_is_made_with_its_matte(little: Little, tmp_path: Path, rows: list[int]) -> None:
    matte = np.zeros((48, 64, 3), np.uint8)
    matte[8:40, :40] = 255
    write_picture(tmp_path / "matte.png", Frame(matte))
    hand = Hand(tmp_path / "state")
    spec = little.job("job-1", 2, 8, look="sd:tiny", settings=FAST, matte=str(tmp_path / "matte.png"))
    plan, missing = planned(hand, spec)
    hand.task("keys", "job-1", keys=missing)
    assert rows == [1, 1]
    alone, _ = planned(hand, little.job("job-2", 2, look="sd:tiny", settings=FAST, matte=spec.matte))
    assert alone.key_hashes[0] == plan.key_hashes[0]
    for index, frame in enumerate((2, 8)):
        off = np.abs(picture(hand, plan, index) - frame_of(frame).rgb)
        assert off[:, 56:].max() == 0 and off[14:34, 6:34].mean() > 3


def test_a_subject_that_comes_later_is_restyled_later(little: Little, tmp_path: Path, rows: list[int]) -> None:
    """A movie as the matte, black at first: those keys stay, the anchor among them."""
    movie = tmp_path / "matte.mkv"
    with MovieWriter(movie, (64, 48), Rate.of(25), "ffv1") as writer:
        for n in range(FRAMES):
            writer.write(Frame(np.full((48, 64, 3), 255 * (n >= 8), np.uint8)))
    hand = Hand(tmp_path / "state")
    plan, missing = planned(hand, little.job("job-1", 2, 10, look="sd:tiny", settings=FAST, matte=str(movie)))
    assert hand.task("keys", "job-1", keys=missing) == {"rendered": 2}
    assert rows == [1]
    assert np.array_equal(picture(hand, plan, 0), frame_of(2).rgb)
    assert np.abs(picture(hand, plan, 1) - frame_of(10).rgb).mean() > 3
    entry = cache_of(hand).find("keys", plan.key_hashes[0])
    assert entry is not None and "black on a key" in entry.facts["notes"][0]


@pytest.mark.parametrize("look", ["sd:tiny", "neural:19"])
def test_a_matte_that_is_black_on_every_key_is_refused(look: str, little: Little, tmp_path: Path) -> None:
    movie = tmp_path / "matte.mkv"
    with MovieWriter(movie, (64, 48), Rate.of(25), "ffv1") as writer:
        for n in range(FRAMES):
            writer.write(Frame(np.full((48, 64, 3), 255 * (n == 5), np.uint8)))
    hand = Hand(tmp_path / "state")
    settings = FAST if look == "sd:tiny" else {}
    _, missing = planned(hand, little.job("job-1", 2, 10, look=look, settings=settings, matte=str(movie)))
    with pytest.raises(BlackMatte, match="every key"):
        hand.task("keys", "job-1", keys=missing)


def test_a_check_knows_whether_the_gpu_suffices(
    little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand(tmp_path / "state")
    spec = job(little, "job-1", 2, width=1024, height=768)
    for total_mib, fits in ((16_000, True), (3_500, False)):
        monkeypatch.setattr(queries, "find_gpu", lambda total_mib=total_mib: {"name": "any", "total_mib": total_mib})
        told = hand.task("check", job=spec.to_json())
        assert told["fits"] is fits
    assert 3_500 < told["needs_mib"] < 16_000
    assert "set the working size to" in told["fixes"][0] and "x" in told["fixes"][0]


def test_a_licence_without_commercial_use_is_said_before_anything_is_made(little: Little, tmp_path: Path) -> None:
    model = shutil.copytree(TINY, tmp_path / "mine")
    (model / "README.md").write_text("license: cc-by-nc-4.0\n")
    hand = Hand(tmp_path / "state")
    spec = little.job("job-1", 2, look=f"sd:{model}", settings=FAST)
    said = "The licence of mine (cc-by-nc-4.0) forbids commercial use."
    assert said in hand.task("check", job=spec.to_json())["warnings"]
    planned(hand, spec)
    assert [more["note"] for *_, more in hand.reports if "note" in more] == [said] * 2


def test_models_are_looked_at_once_and_the_manifest_has_what_was_found(
    little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    model = shutil.copytree(TINY, tmp_path / "mine")
    (model / "README.md").write_text("license: cc-by-nc-4.0\n")
    seen: list[str] = []
    monkeypatch.setattr(prepare, "model_facts", lambda spec: seen.append(spec.look) or model_facts(spec))
    spec = little.job("job-1", 2, look=f"sd:{model}", settings=FAST)
    manifest = Hand(tmp_path / "state").run(spec)
    assert seen == [spec.look] and manifest.facts["models"] == model_facts(spec)
    assert manifest.notes.count("The licence of mine (cc-by-nc-4.0) forbids commercial use.") == 1
    assert "models" not in Hand(tmp_path / "other").run(little.job("job-2", 2)).facts


def test_a_check_says_when_networks_will_take_turns(
    little: Little, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a look that knows how little it needs: turns, and where they don't suffice a smaller size or lighter files."""
    estimate = Estimate((64, 48), 14_000, 8, least_mib=11_000, lighter="Its GGUF files take less.")
    monkeypatch.setattr(DiffusionLook, "estimate", lambda self, size: estimate)
    hand, told = Hand(tmp_path / "state"), []
    for total_mib in (16_000, 12_000, 10_000):
        monkeypatch.setattr(queries, "find_gpu", lambda total_mib=total_mib: {"name": "any", "total_mib": total_mib})
        told.append(hand.task("check", job=job(little, "job-1", 2).to_json()))
    assert [one["fits"] for one in told] == [True, True, False]
    assert not told[0]["warnings"] and "take turns" in told[1]["warnings"][0] and "GGUF" in told[1]["warnings"][0]
    assert "or less. Its GGUF files take less." in told[2]["fixes"][0]


@pytest.mark.parametrize("gpu", [None, {"name": "any", "total_mib": 8000}])
def test_seeds_are_shown_as_they_come_and_cost_nothing_when_chosen(
    gpu: Any, little: Little, tmp_path: Path, rows: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keys_module, "find_gpu", lambda: gpu)
    hand = Hand(tmp_path / "state")
    spec = little.job("seeds-1", 4)
    hand.folder("seeds-1").mkdir(parents=True)
    look = {"name": "sd:tiny", "settings": {**FAST, "seed": 5}}
    body = {"kind": "seeds", "source": spec.to_json()["source"], "frame": 4, "n": 3, "prompt": None, "look": look}
    json_files.write_json(hand.folder("seeds-1") / "job.json", body)
    result = hand.task("seeds", "seeds-1")
    assert [one["seed"] for one in result["pictures"]] == [5, 6, 7] and rows == [1, 1, 1]
    shown = [more["seed"] for _, _, _, more in hand.reports if "preview" in more]
    assert shown == [5, 6, 7]
    pictures = [read_picture(one["file"]).rgb.astype(int) for one in result["pictures"]]
    assert min(np.abs(a - b).mean() for a, b in combinations(pictures, 2)) > 3
    plan, missing = planned(hand, job(little, "job-1", 4, seed=6))
    assert missing == [] and np.array_equal(picture(hand, plan, 0), pictures[1])
    hand.task("seeds", "seeds-1")
    assert rows == [1, 1, 1]


@pytest.mark.parametrize(
    ("look", "size", "spared", "sizes"),
    [
        ("neural:19", (320, 180), 0, [4, 1]),  # a few, and small ones
        ("neural:19", (640, 360), 0, [3, 2]),
        ("neural:19", (1280, 720), 0, [1] * 5),
        ("neural:19", (3840, 2160), 0, [1] * 5),
        ("neural:19", (640, 360), 1, [1] * 5),  # a worker ran out of memory
        ("keys:nowhere", (640, 360), 0, [1] * 5),
    ],
)
def test_small_keys_are_made_beside_each_other_by_looks_that_can(
    tmp_path: Path, look: str, size: tuple[int, int], spared: int, sizes: list[int]
) -> None:
    opened = open_look(f"keys:{tmp_path}" if look.startswith("keys:") else look, {})
    chunks = list(keys_module.chunks_of(opened, list(range(5)), spared, size=size))
    assert [len(chunk) for chunk in chunks] == sizes and [n for chunk in chunks for n in chunk] == list(range(5))
