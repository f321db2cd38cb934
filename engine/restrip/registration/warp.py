"""Where each place of a frame lies in a key: a shift, zoom, turn and shear of the whole, and a small bend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import atan2, degrees, hypot
from typing import Any, TypeVar

import cv2
import numpy as np
import numpy.typing as npt

Code = TypeVar("Code", bound=np.generic)
Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

LEAST_SAID_PX = 0.05


def places(size: tuple[int, int]) -> Floats:
    """Pixels' positions of a picture of `size` (width, height), [H, W, 2] float32, x and y."""
    width, height = size
    return np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))


def resized(picture: npt.NDArray[Code], size: tuple[int, int]) -> npt.NDArray[Code]:
    """A picture [H, W] or [H, W, C] made smaller to `size` (width, height), by the mean of what a pixel stands for."""
    return picture if picture.shape[1::-1] == size else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)


@dataclass(frozen=True, eq=False)
class Warp:
    """A map from a frame's pixels to a key's, for pictures of `size` (width, height).

    `affine` is [2, 3]: around the picture's centre, key = affine[:, :2] @ frame + affine[:, 2]. `bend` [rows, columns,
    2] are displacements in pixels on a grid of control points of a cubic B-spline that reaches one cell beyond the
    picture; None for none.
    """

    size: tuple[int, int]
    affine: Doubles
    bend: Doubles | None = None

    @classmethod
    def still(cls, size: tuple[int, int]) -> Warp:
        """The map that moves nothing."""
        return cls(size, np.eye(2, 3))

    @property
    def centre(self) -> Doubles:
        """The point that the affine part is told around."""
        return (np.array(self.size, np.float64) - 1) / 2

    def scaled(self, size: tuple[int, int]) -> Warp:
        """The same map for the same pictures at another size."""
        ratio = np.array(size) / np.array(self.size)
        affine = self.affine.copy()
        affine[:, :2] = ratio[:, None] * affine[:, :2] / ratio[None]
        affine[:, 2] *= ratio
        return Warp(size, affine, None if self.bend is None else self.bend * ratio)

    def at(self, points: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Where points [..., 2] of the frame lie in the key."""
        moved = (points - self.centre) @ self.affine[:, :2].T + self.affine[:, 2] + self.centre
        if self.bend is None:
            return moved
        return moved + _bent(self.bend, points, self.size)

    def field(self) -> Floats:
        """Where every pixel of the frame lies in the key, [H, W, 2] float32."""
        linear, centre = self.affine[:, :2], self.centre
        shift = self.affine[:, 2] + centre - linear @ centre
        field = cv2.transform(places(self.size), np.hstack([linear, shift[:, None]]).astype(np.float32))
        if self.bend is not None:
            field += dense(self.bend, self.size)
        return field

    def pull(self, picture: npt.NDArray[Code], kernel: int = cv2.INTER_LINEAR) -> npt.NDArray[Code]:
        """A key [H, W] or [H, W, C] as the frame lies; edges repeat."""
        return cv2.remap(picture, self.field(), None, kernel, borderMode=cv2.BORDER_REPLICATE)

    def to_json(self) -> dict[str, Any]:
        """As plans keep it."""
        bend = None if self.bend is None else np.round(self.bend, 4).tolist()
        return {"size": list(self.size), "affine": np.round(self.affine, 7).tolist(), "bend": bend}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Warp:
        """Read what `to_json` wrote."""
        bend = None if body["bend"] is None else np.array(body["bend"], np.float64)
        return cls((int(body["size"][0]), int(body["size"][1])), np.array(body["affine"], np.float64), bend)


def basis(coordinates: npt.NDArray[Any], length: int, cells: int) -> Doubles:
    """Cubic B-splines of positions [N] on an edge of `length` pixels in `cells` cells, [N, cells + 3]."""
    at = np.clip(np.asarray(coordinates, np.float64) / max(1, length - 1), 0, 1) * cells
    distance = np.abs(at[:, None] - np.arange(-1, cells + 2)[None])
    near = 2 / 3 - distance**2 + distance**3 / 2
    far = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.where(distance < 1, near, far)


def dense(bend: Doubles, size: tuple[int, int]) -> Floats:
    """Displacements of every pixel, [H, W, 2] float32."""
    width, height = size
    across = basis(np.arange(width), width, bend.shape[1] - 3).astype(np.float32)
    down = basis(np.arange(height), height, bend.shape[0] - 3).astype(np.float32)
    return np.dstack([down @ bend[..., axis].astype(np.float32) @ across.T for axis in (0, 1)])


def _bent(bend: Doubles, points: npt.NDArray[Any], size: tuple[int, int]) -> Doubles:
    flat = points.reshape(-1, 2)
    across = basis(flat[:, 0], size[0], bend.shape[1] - 3)
    down = basis(flat[:, 1], size[1], bend.shape[0] - 3)
    return np.einsum("nr,rca,nc->na", down, bend, across).reshape(points.shape)


@dataclass(frozen=True)
class Shift:
    """How a key lies beside its frame: the picture's middle moved by x and y pixels, enlarged by a share, turned
    clockwise by degrees, what else is sheared or stretched at the corners, and bent at most, in pixels.
    """

    x: float
    y: float
    zoom: float
    turn: float
    shear: float
    bend: float
    mean: float

    @classmethod
    def of(cls, warp: Warp) -> Shift:
        """Of a map."""
        (a, b), (c, d) = warp.affine[:, :2]
        zoom = (hypot(a, c) + hypot(b, d)) / 2
        turn = atan2(c - b, a + d)
        similar = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) * zoom
        corner = np.array(warp.size) / 2
        corners = np.array([corner, corner * (1, -1)])
        shear = float(np.abs(corners @ (warp.affine[:, :2] - similar).T).max())
        bend = 0.0 if warp.bend is None else float(np.abs(dense(warp.bend, warp.size)).max())
        mean = float(np.linalg.norm(warp.field() - places(warp.size), axis=-1).mean())
        return cls(float(warp.affine[0, 2]), float(warp.affine[1, 2]), zoom - 1, degrees(turn), shear, bend, mean)

    def words(self) -> str:
        """As it is said: "moved 4.2 px left and enlarged 1.3 %"."""
        said = []
        ways = [
            f"{abs(value):.1f} px {way[value > 0]}"
            for value, way in ((self.x, ("left", "right")), (self.y, ("up", "down")))
            if abs(value) >= LEAST_SAID_PX
        ]
        if ways:
            said.append("moved " + " and ".join(ways))
        if abs(self.zoom) >= 0.0005:
            said.append(f"{'enlarged' if self.zoom > 0 else 'reduced'} {abs(self.zoom) * 100:.1f} %")
        if abs(self.turn) >= 0.05:
            said.append(f"turned {abs(self.turn):.1f}° {'clockwise' if self.turn > 0 else 'anticlockwise'}")
        if self.shear >= 0.5:
            said.append(f"stretched by up to {self.shear:.1f} px")
        if self.bend >= 0.1:
            said.append(f"bent by up to {self.bend:.1f} px")
        if not said:
            return f"moved {self.mean:.1f} px"
        return ", ".join(said[:-1]) + (" and " if len(said) > 1 else "") + said[-1]
