"""Fusion compositions: a parser and writer of their table format, and an evaluator of what a composition shows.

Written apart from the scripts' own reader, and stricter: what it doesn't know, it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

EMPTY = """Composition {
	CurrentTime = 0,
	RenderRange = { %(first)d, %(last)d },
	GlobalRange = { %(first)d, %(last)d },
	CurrentID = 4,
	PlaybackUpdateMode = 0,
	StereoMode = false,
	Version = "Fusion 20.3",
	SavedOutputs = 0,
	HeldTools = 0,
	Views = {
		Left = { },
		["Right View"] = { Buffer = -1, },
	},
	Prefs = {
		Comp = { FrameFormat = { Width = 1920, Height = 1080, Rate = 24.0, GuideRatio = 1.77777777777778, }, },
	},
	Tools = ordered() {
		MediaIn1 = Loader {
			ExtentSet = true,
			CustomData = { MediaProps = { MEDIA_NAME = "a \\"quoted\\" name.mov", MEDIA_NUM_FRAMES = %(frames)d, }, },
			Inputs = {
				GlobalOut = Input { Value = %(last)d, },
				MediaSource = Input { Value = FuID { "MediaPool" }, },
			},
			ViewInfo = OperatorInfo { Pos = { -55, 16.5 } },
		},
		MediaOut1 = MediaOut {
			CtrlWZoom = false,
			Inputs = {
				Index = Input { Value = "0", },
				Input = Input {
					SourceOp = "MediaIn1",
					Source = "Output",
				},
			},
			ViewInfo = OperatorInfo { Pos = { 330, 16.5 } },
		}
	},
}
""".replace("= Loader {", "= MediaIn {")


class Malformed(ValueError):
    """Text that is no composition."""


@dataclass
class Block:
    """`kind { key = value, ... }`; positional values have int keys from 0, written as None."""

    kind: str = ""
    named: dict[Any, Any] = field(default_factory=dict)
    plain: list[Any] = field(default_factory=list)
    ordered: bool = False


@dataclass(frozen=True)
class Word:
    """A bare word that is neither true, false nor a number."""

    text: str


class Parser:
    """Recursive descent over the characters."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def parse(self) -> Block:
        block = self.value()
        self.space()
        if self.at != len(self.text) or not isinstance(block, Block):
            raise Malformed(f"something is left over at {self.at}")
        return block

    def space(self) -> None:
        while self.at < len(self.text):
            if self.text[self.at].isspace():
                self.at += 1
            elif self.text.startswith("--", self.at):
                end = self.text.find("\n", self.at)
                self.at = len(self.text) if end < 0 else end
            else:
                return

    def peek(self) -> str:
        self.space()
        return self.text[self.at] if self.at < len(self.text) else ""

    def eat(self, mark: str) -> None:
        if self.peek() != mark:
            raise Malformed(f"expected {mark!r} at {self.at}: {self.text[self.at : self.at + 30]!r}")
        self.at += 1

    def value(self) -> Any:
        first = self.peek()
        if first == "{":
            return self.block("")
        if first and first in "\"'":
            return self.string()
        if first and first in "-.0123456789":
            return self.number()
        word = self.word()
        if self.peek() == "(":
            self.eat("(")
            self.eat(")")
            block = self.block(word)
            block.ordered = True
            return block
        if self.peek() == "{":
            return self.block(word)
        return {"true": True, "false": False}.get(word, Word(word))

    def block(self, kind: str) -> Block:
        block = Block(kind)
        self.eat("{")
        while self.peek() != "}":
            key = self.key()
            value = self.value()
            if key is None:
                block.plain.append(value)
            elif key in block.named:
                raise Malformed(f"{key} is there twice")
            else:
                block.named[key] = value
            if self.peek() in (",", ";"):
                self.at += 1
            elif self.peek() != "}":
                raise Malformed(f"expected a comma at {self.at}: {self.text[self.at : self.at + 30]!r}")
        self.eat("}")
        return block

    def key(self) -> Any:
        if self.peek() == "[":
            self.eat("[")
            key = self.string() if self.peek() in ("'", '"') else self.number()
            self.eat("]")
            self.eat("=")
            return key
        start = self.at
        if self.peek().isalpha() or self.peek() == "_":
            word = self.word()
            if self.peek() == "=":
                self.eat("=")
                return word
        self.at = start
        return None

    def word(self) -> str:
        self.space()
        start = self.at
        while self.at < len(self.text) and (self.text[self.at].isalnum() or self.text[self.at] in "_."):
            self.at += 1
        if start == self.at:
            raise Malformed(f"expected a word at {start}: {self.text[start : start + 30]!r}")
        return self.text[start : self.at]

    def number(self) -> float:
        self.space()
        start = self.at
        while self.at < len(self.text) and self.text[self.at] in "-+.0123456789eE":
            self.at += 1
        try:
            value = float(self.text[start : self.at])
        except ValueError:
            raise Malformed(f"no number at {start}: {self.text[start : start + 30]!r}") from None
        return int(value) if value.is_integer() else value

    def string(self) -> str:
        quote = self.peek()
        if quote not in ("'", '"'):
            raise Malformed(f"expected a text at {self.at}")
        self.at += 1
        out = []
        while self.at < len(self.text) and self.text[self.at] != quote:
            if self.text[self.at] == "\\":
                self.at += 1
            out.append(self.text[self.at])
            self.at += 1
        self.eat(quote)
        return "".join(out)


def write(value: Any, depth: int = 0) -> str:
    """The text of a value, laid out in its own way: what Resolve exports isn't what it was given."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"{value:.15g}"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Word):
        return value.text
    tab = "\t" * (depth + 1)
    lines = [f"{tab}{write(part, depth + 1)}" for part in value.plain]
    for key, part in value.named.items():
        simple = isinstance(key, str) and key.replace("_", "a").isalnum()
        lines.append(f"{tab}{key if simple else f'[{write(key)}]'} = {write(part, depth + 1)}")
    head = f"{value.kind}{'()' if value.ordered else ''} " if value.kind else ""
    return head + "{\n" + ",\n".join(lines) + "\n" + "\t" * depth + "}"


def check(comp: Block) -> None:
    """Raise Malformed for a composition that Resolve would not take or not show."""
    if comp.kind != "Composition" or not isinstance(comp.named.get("Tools"), Block):
        raise Malformed("no composition with tools")
    tools = comp.named["Tools"].named
    for name, tool in tools.items():
        for inp in (tool.named.get("Inputs") or Block()).named.values():
            source = inp.named.get("SourceOp")
            if source is not None and source not in tools:
                raise Malformed(f"{name} is led from {source}, which isn't there")
    if not any(tool.kind == "MediaOut" for tool in tools.values()):
        raise Malformed("no MediaOut")


def opacity(comp: Block, frame: float, size: tuple[int, int]) -> float:
    """How opaque a composition leaves its media at a frame; the media has `size`.

    Raises Malformed for tools that are not a fade, and where the picture would be moved, cropped or missing.
    """
    tools = comp.named["Tools"].named
    outs = [tool for tool in tools.values() if tool.kind == "MediaOut"]
    if len(outs) != 1:
        raise Malformed(f"{len(outs)} MediaOut tools")
    alpha, shown = _output(tools, outs[0].named["Inputs"].named["Input"], frame, size)
    if shown != size:
        raise Malformed(f"the picture is {shown} instead of {size}")
    return alpha


def _output(tools: dict[str, Block], wire: Block, frame: float, size: tuple[int, int]) -> tuple[float, tuple[int, int]]:
    if wire.named.get("Source") != "Output":
        raise Malformed("a picture is led from no Output")
    tool = tools[wire.named["SourceOp"]]
    inputs = (tool.named.get("Inputs") or Block()).named
    if tool.kind == "MediaIn":
        return 1.0, size
    if tool.kind == "Background":
        return _background(tools, inputs, frame)
    if tool.kind != "Merge":
        raise Malformed(f"a {tool.kind} is no part of a fade")
    below, extent = _output(tools, inputs["Background"], frame, size)
    above, shown = _output(tools, inputs["Foreground"], frame, size)
    if extent != shown:
        raise Malformed(f"the picture of {shown} lies on one of {extent}")
    unknown = set(inputs) - {"Background", "Foreground", "Blend", "PerformDepthMerge"}
    if unknown:
        raise Malformed(f"the merge has {unknown}")
    blend = _number(tools, inputs.get("Blend"), frame, 1.0)
    return above * blend + below * (1 - above * blend), extent


def _background(tools: dict[str, Block], inputs: dict[str, Block], frame: float) -> tuple[float, tuple[int, int]]:
    first = _number(tools, inputs.get("GlobalIn"), frame, 0)
    last = _number(tools, inputs.get("GlobalOut"), frame, 1000)
    if not first <= frame <= last:
        raise Malformed(f"the background ends at {last}, before frame {frame}")
    if _number(tools, inputs.get("UseFrameFormatSettings"), frame, 1):
        raise Malformed("the background has the timeline's size")
    extent = (int(_number(tools, inputs["Width"], frame, 0)), int(_number(tools, inputs["Height"], frame, 0)))
    return _number(tools, inputs.get("TopLeftAlpha"), frame, 1.0), extent


def _number(tools: dict[str, Block], wire: Block | None, frame: float, default: float) -> float:
    if wire is None:
        return default
    if "Value" in wire.named:
        return float(wire.named["Value"])
    if wire.named.get("Source") != "Value":
        raise Malformed("a number is led from no Value")
    spline = tools[wire.named["SourceOp"]]
    if spline.kind != "BezierSpline":
        raise Malformed(f"a number comes from a {spline.kind}")
    return _bezier(spline.named["KeyFrames"].named, frame)


def _bezier(keys: dict[float, Block], frame: float) -> float:
    """The spline's value: held outside its keys, a cubic between two, its handles in the graph's own coordinates."""
    frames = sorted(keys)
    if frame <= frames[0] or frame >= frames[-1]:
        return float(keys[frames[0] if frame <= frames[0] else frames[-1]].plain[0])
    left = max(f for f in frames if f <= frame)
    right = min(f for f in frames if f > left)
    p0, p3 = (left, keys[left].plain[0]), (right, keys[right].plain[0])
    p1 = tuple(keys[left].named["RH"].plain)
    p2 = tuple(keys[right].named["LH"].plain)
    low, high = 0.0, 1.0
    for _ in range(60):
        t = (low + high) / 2
        low, high = (t, high) if _cubic(p0[0], p1[0], p2[0], p3[0], t) < frame else (low, t)
    return _cubic(p0[1], p1[1], p2[1], p3[1], (low + high) / 2)


def _cubic(a: float, b: float, c: float, d: float, t: float) -> float:
    s = 1 - t
    return s**3 * a + 3 * s * s * t * b + 3 * s * t * t * c + t**3 * d
