"""The text that lies beside exported keys and says what to do with them, in an editor's words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

NAME = "How to paint these keys.txt"
FIRST = "Keys to paint for "

GO_ON: Mapping[str, Sequence[str]] = {
    "command line": (
        'restrip render CLIP --keys {numbers} --look "keys:{folder}" --out RESULTS --watch',
        "",
        "with your clip for CLIP and a folder of your choice for RESULTS. As long as that runs, every key that you",
        "save is carried along its strip again, and only that one. Ctrl+C ends it.",
    ),
    "blender": (
        "In Blender, choose the look Painted keys for the strip, and this folder. Turn on Watch Keys under Keyframes,",
        "then Stylize. Every key that you save from then on is carried along its strip again, and only that one.",
        "Right-click > Restrip > Open Key in ... opens the key under the playhead.",
    ),
    "resolve": (
        "In DaVinci Resolve, put this line into the settings (Workspace > Scripts > Restrip - Settings):",
        "",
        "look = keys:{folder}",
        "",
        "then run Restrip - Watch keys. Every key that you save from then on is carried along its strip again, and",
        "only that one. Restrip - Open key opens the key under the playhead.",
    ),
}
"""What comes after painting, by the front-end that asked."""


def note_text(
    clip: str, size: tuple[int, int], pictures: Sequence[tuple[int, str]], folder: str, editor: str, first: int = 0
) -> str:
    """The whole text. `pictures` are the numbers and file names of the keys; `first` is the number of the first frame.

    `editor` is one of GO_ON's; for another one what comes after painting is left out.
    """
    numbers = ",".join(str(number) for number, _ in pictures)
    lines = [
        f"{FIRST}{clip}",
        "",
        f"Each picture here is one frame of the strip, {size[0]} x {size[1]} pixels, as it is seen on the timeline:",
        "",
        *(f"    {name}     frame {number}, counted from {first} at the strip's beginning" for number, name in pictures),
        "",
        "1. Paint on them in any program, or have a model edit them.",
        "2. Save each one here, under its own name. Another ending is fine (.psd, .kra, .tif, .jpg and others): it",
        "   then takes the place of the exported picture, which may stay. A frame may have only one painted picture.",
        "   The number at the end of the name says which frame it is; pictures without a number there aren't read, so",
        "   versions that you want to keep can be called",
        f'   "{pictures[0][1].rpartition(".")[0] if pictures else "key_00045"} blue version.png".',
        "3. Keep the picture's size and crop where you can. Another size is resampled, and a key that came back moved",
        "   or enlarged is laid on its frame again; both are said. Where a picture is transparent, the frame stays.",
        "",
        "Then:",
        "",
        *(line.format(numbers=numbers, folder=folder) for line in GO_ON.get(editor, ())),
    ]
    if editor not in GO_ON:
        lines = lines[: lines.index("Then:")]
    return "\n".join(lines).rstrip() + "\n"
