"""Who is let in: by key, and by a grant that is never given twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import zmq

from restrip.service.sharing import BadName, KeyKnown, Share, UnknownGuest


def key() -> str:
    return zmq.curve_keypair()[0].decode()


@pytest.fixture
def share() -> Share:
    return Share.new("127.0.0.1:0")


def test_grants_are_never_given_twice(share: Share) -> None:
    mine, other = key(), key()
    first = share.with_guest("laptop", mine)
    assert first.with_guest("laptop", mine) == first, "said twice"
    again = first.without_guest("laptop").with_guest("laptop", mine)
    taken = again.with_guest("laptop", other)
    assert len(first.grants | again.grants | taken.grants) == 3
    assert taken.grant(mine) == "" and taken.grant(other) in taken.grants
    with pytest.raises(KeyKnown):
        taken.with_guest("second name", other)
    with pytest.raises(UnknownGuest):
        taken.without_guest("desk")
    with pytest.raises(BadName):
        taken.with_guest("../x", mine)


def test_it_is_kept_and_older_ones_are_read(share: Share, tmp_path: Path) -> None:
    made = share.with_guest("laptop", key())
    (tmp_path / "run").mkdir(mode=0o700)
    folder = tmp_path / "run"
    made.save(folder)
    assert Share.load(folder) == made
    # Versions before grants: what a guest had was its name's.
    body = json.loads((folder / "share.json").read_text())
    body["guests"] = {"laptop": made.guests["laptop"].key}
    (folder / "share.json").write_text(json.dumps(body))
    older = Share.load(folder)
    assert older is not None and older.grant(made.guests["laptop"].key) == "laptop"
    assert older.without_guest("laptop").with_guest("laptop", key()).grants != {"laptop"}
    body["guests"] = {"laptop": "no key"}
    (folder / "share.json").write_text(json.dumps(body))
    assert Share.load(folder) is None
