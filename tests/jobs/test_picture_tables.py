"""Tables of pictures in the cache."""

from __future__ import annotations

from pathlib import Path

from restrip.jobs.cache import Cache
from restrip.jobs.picture_tables import CachedTables


def test_a_table_is_found_by_the_content_of_its_file(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    tables = CachedTables(Cache(tmp_path / "state"), lambda *step: told.append(step))
    movie, copy = tmp_path / "a.ts", tmp_path / "b.ts"
    movie.write_bytes(b"a movie")
    copy.write_bytes(b"a movie")
    assert tables.find(str(movie), 1) is None
    tables.keep(str(movie), 1, {"times": [0, 1]})
    again = CachedTables(Cache(tmp_path / "state"), lambda *step: None)
    assert again.find(str(copy), 1) == {"times": [0, 1]}
    assert again.find(str(copy), 2) is None
    copy.write_bytes(b"another movie")
    assert again.find(str(copy), 1) is None
    tables.report(3, 10)
    assert told == [("reading", 3, 10)]
