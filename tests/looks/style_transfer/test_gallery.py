from __future__ import annotations

import numpy as np

from restrip.looks import list_looks, open_look
from restrip.looks.style_transfer.gallery import LOOKS, NAMES
from restrip.media import Frame, fit_picture, read_picture
from restrip.progress import silent
from restrip.timeline import Key


def test_all_looks_are_there_once_and_the_best_come_first():
    looks = list_looks()
    assert sorted(name for name, _, _ in looks) == sorted(f"neural:{n}" for n in range(26))
    assert [label for _, label, _ in looks][:3] == ["Blue Night (19)", "Soft Pastel (0)", "Blue Woodblock (24)"]
    assert [label.partition("(")[2] for _, label, _ in looks][5:8] == ["14)", "1)", "2)"]


def test_each_look_has_a_plain_name_of_its_own():
    assert len(NAMES) == LOOKS == 26
    assert len({name.casefold() for name in NAMES}) == LOOKS
    assert all(len(name) <= 20 and not any(c.isdigit() for c in name) for name in NAMES)


def test_the_thumbnails_are_small():
    paths = [path for _, _, path in list_looks()]
    assert all(read_picture(path).size == (240, 135) for path in paths)
    assert sum(path.stat().st_size for path in paths) < 300_000


def test_a_thumbnail_shows_its_own_look(bunny: Frame):
    small = {name: fit_picture(read_picture(path), (40, 22)).rgb.astype(float) for name, _, path in list_looks()}
    for name in ("neural:7", "neural:24"):
        painted = open_look(name, {}).stylize([bunny], [Key(45)], silent)[0].picture
        mine = fit_picture(painted, (40, 22)).rgb.astype(float)
        distance = {other: np.abs(thumbnail - mine).mean() for other, thumbnail in small.items()}
        assert min(distance, key=distance.__getitem__) == name
