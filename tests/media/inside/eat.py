"""Run in a process of its own: read every mutation of the given files; print one line each, never stop.

argv: seed, count, files. Each mutation overwrites, removes, inserts or repeats some bytes.
"""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import cv2

from restrip.errors import RestripError
from restrip.media import ClipReader, probe
from restrip.timeline import ClipRange, Rate

cv2.setNumThreads(1)


def mutated(raw: bytes, rng: random.Random) -> bytes:
    data = bytearray(raw)
    for _ in range(rng.choice([1, 1, 3, 10, 40])):
        place = rng.randrange(len(data)) if rng.random() < 0.6 else rng.randrange(min(len(data), 400))
        kind = rng.randrange(6)
        if kind == 0:
            data[place] = rng.randrange(256)
        elif kind == 1:
            data[place] ^= 1 << rng.randrange(8)
        elif kind == 2:
            data[place : place + 4] = rng.choice([b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0", b"\0\0\0\1"])
        elif kind == 3:
            del data[place : place + rng.randrange(1, 64)]
        elif kind == 4:
            data[place:place] = rng.randbytes(rng.randrange(1, 64))
        else:
            data[place : place + 32] = data[rng.randrange(len(data)) :][:32]
        if len(data) < 16:
            break
    return bytes(data[: rng.randrange(1, len(data))]) if rng.random() < 0.15 else bytes(data)


def eat(path: Path) -> str:
    """Everything that a job does with its source, as the name of the outcome."""
    try:
        info = probe([str(path)])
        length = min(12, info.frames)
        seen = set()
        with ClipReader(ClipRange((str(path),), Rate.of(25), length), block_bytes=1 << 22) as reader:
            for n in (0, length - 1, length // 2, *range(length)):
                seen.add(reader.frame(n).size)
            assert seen == {reader.size}, seen
            return "noted" if reader.notes else "read"
    except RestripError as error:
        assert error.message and error.remedy, error
        return error.code


def main() -> None:
    seed, count, *files = sys.argv[1:]
    # As in a worker: what libraries print goes to stderr.
    told = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    rng = random.Random(int(seed))
    for number in range(int(count)):
        origin = Path(files[number % len(files)])
        path = origin.with_name(f"mutated{origin.suffix}")
        path.write_bytes(mutated(origin.read_bytes(), rng))
        print(number, origin.suffix, end=" ", file=told, flush=True)
        print(eat(path), file=told, flush=True)


main()
