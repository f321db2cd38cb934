"""A fade of a strip as a Fusion composition: the strip merged over nothing, with the merge's blend animated.

    MediaIn1 ──► SeamFade (Merge, Blend ◄── SeamBlend) ──► MediaOut1
    SeamClear (transparent Background) ──┘

Resolve writes the composition itself; only three tools are put into its text and MediaOut1 is led to them. Frame 0
is the item's first visible frame; handles have negative numbers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from restrip_resolve.api import TimelineItem, done, listed, need, whole
from restrip_resolve.placing.comp_text import BadComp, Table, Text, read_comp
from restrip_resolve.placing.plan import Piece

BLEND, CLEAR, MERGE = "SeamBlend", "SeamClear", "SeamFade"


def add_fade(item: TimelineItem, piece: Piece, size: tuple[int, int]) -> None:
    """Give a strip its fade, and read it back from Resolve. Raises BadComp, ResolveRefused."""
    if whole(item.GetFusionCompCount(), "count the strip's Fusion compositions"):
        raise BadComp("the new strip has one already")
    need(item.AddFusionComp(), "add a Fusion composition")
    with tempfile.TemporaryDirectory(prefix="restrip-") as folder:
        plain, faded, back = (Path(folder) / f"{name}.comp" for name in ("plain", "faded", "back"))
        _export(item, plain)
        faded.write_text(with_fade(plain.read_text("utf-8"), piece, size), "utf-8")
        for name in listed(item.GetFusionCompNameList(), "list the strip's Fusion compositions"):
            done(item.DeleteFusionCompByName(name), "delete a Fusion composition")
        need(item.ImportFusionComp(str(faded.resolve())), "import a Fusion composition")
        _export(item, back)
        if fade_in(back.read_text("utf-8")) != [(float(frame), value) for frame, value in piece.opacity]:
            raise BadComp("Resolve did not keep the fade that was written")


def _export(item: TimelineItem, path: Path) -> None:
    count = whole(item.GetFusionCompCount(), "count the strip's Fusion compositions")
    if count != 1:
        raise BadComp(f"the strip has {count} compositions instead of one")
    done(item.ExportFusionComp(str(path.resolve()), 1), "export a Fusion composition")
    if not path.is_file():
        raise BadComp("Resolve did not export it")


def with_fade(text: str, piece: Piece, size: tuple[int, int]) -> str:
    """A composition's text with the fade put between what feeds its MediaOut and the MediaOut. Raises BadComp."""
    comp = read_comp(text)
    tools = comp.table("Tools")
    taken = {name for name, _ in tools.entries}
    if taken & {BLEND, CLEAR, MERGE}:
        raise BadComp("it has a fade already")
    source = _fed(tools)
    first, end = -piece.first, piece.file_frames - piece.first
    new = f"""
		{BLEND} = BezierSpline {{
			SplineColor = {{ Red = 225, Green = 255, Blue = 0 }},
			CtrlWZoom = false,
			KeyFrames = {{
{keyframes(piece.opacity)}
			}}
		}},
		{CLEAR} = Background {{
			CtrlWZoom = false,
			Inputs = {{
				GlobalIn = Input {{ Value = {first}, }},
				GlobalOut = Input {{ Value = {end - 1}, }},
				UseFrameFormatSettings = Input {{ Value = 0, }},
				Width = Input {{ Value = {size[0]}, }},
				Height = Input {{ Value = {size[1]}, }},
				TopLeftAlpha = Input {{ Value = 0, }},
			}},
			ViewInfo = OperatorInfo {{ Pos = {{ 55, 82 }} }},
		}},
		{MERGE} = Merge {{
			CtrlWZoom = false,
			Inputs = {{
				Background = Input {{ SourceOp = "{CLEAR}", Source = "Output", }},
				Foreground = Input {{ SourceOp = "{source.value}", Source = "Output", }},
				Blend = Input {{ SourceOp = "{BLEND}", Source = "Value", }},
				PerformDepthMerge = Input {{ Value = 0, }},
			}},
			ViewInfo = OperatorInfo {{ Pos = {{ 165, 16 }} }},
		}},"""
    edits = [(tools.inside, tools.inside, new), (source.first, source.end, f'"{MERGE}"')]
    for begin, stop, put in sorted(edits, reverse=True):
        text = text[:begin] + put + text[stop:]
    return text


def keyframes(opacity: Sequence[tuple[int, float]]) -> str:
    """Spline keys with straight lines between them: the handles lie on the lines, a third of the way along."""
    lines = []
    for index, (frame, value) in enumerate(opacity):
        handles = ""
        for name, other in (("LH", index - 1), ("RH", index + 1)):
            if 0 <= other < len(opacity):
                there, then = opacity[other]
                handles += f"{name} = {{ {frame + (there - frame) / 3:.12g}, {value + (then - value) / 3:.12g} }}, "
        lines.append(f"\t\t\t\t[{frame}] = {{ {value:.12g}, {handles}Flags = {{ Linear = true }} }}")
    return ",\n".join(lines)


def fade_in(text: str) -> list[tuple[float, float]]:
    """The (frame, opacity) pairs of the fade that a composition has between its source and its MediaOut.

    Raises BadComp when it has none, or when the fade isn't on the way to the MediaOut.
    """
    tools = read_comp(text).table("Tools")
    if _fed(tools).value != MERGE:
        raise BadComp("its MediaOut doesn't show the fade")
    merge = tools.table(MERGE, "Inputs")
    spline = _name(merge, "Blend")
    media = _name(merge, "Foreground")
    if tools.table(media).kind != "MediaIn" or tools.table(_name(merge, "Background")).kind != "Background":
        raise BadComp("its fade is led elsewhere")
    found = []
    for frame, key in tools.table(spline, "KeyFrames").entries:
        if frame is None or not isinstance(key, Table) or not key.numbers():
            raise BadComp("its fade has a key without a value")
        found.append((float(frame), key.numbers()[0]))
    return sorted(found)


def _fed(tools: Table) -> Text:
    """The name of the tool that feeds the only MediaOut."""
    outs = [tool for _, tool in tools.entries if isinstance(tool, Table) and tool.kind == "MediaOut"]
    if len(outs) != 1:
        raise BadComp(f"it has {len(outs)} MediaOut tools")
    source = outs[0].get("Inputs", "Input", "SourceOp")
    if not isinstance(source, Text):
        raise BadComp("nothing leads to its MediaOut")
    return source


def _name(inputs: Table, name: str) -> str:
    found = inputs.get(name, "SourceOp")
    if not isinstance(found, Text):
        raise BadComp(f"{name} of its fade leads nowhere")
    return found.value
