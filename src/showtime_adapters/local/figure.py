"""The figure of a ghost: the sheet that everybody knows, with something about it of what it is a ghost of."""

import itertools
import math
import random
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files

from attrs import frozen
from PIL import Image, ImageDraw, ImageFilter

SIZE = 1024

Point = tuple[float, float]
Pen = ImageDraw.ImageDraw

_KNOWN = tomllib.loads((files(__package__) / "figure.toml").read_text("utf-8"))
_WORDS = {trait: {word.rstrip("s") for word in words.split()} for trait, words in _KNOWN["words"].items()}
_BY_CHANCE = ("pointed", "round", "long", "horns", "antennae", "hat", "crown", "", "", "")


@frozen
class Figure:
    """What is drawn of a ghost, each as a mask."""

    body: Image.Image
    """The sheet, with all that sticks out of it."""
    holes: Image.Image
    """Eyes and mouth."""
    lines: Image.Image
    """What shines in the face: pupils, whiskers, a beak."""
    folds: Image.Image
    """Where the sheet falls in folds: light and shade."""


@frozen
class _Build:
    """How a ghost is built, in pixels."""

    traits: frozenset[str]
    head: Point
    radius: float
    """Of the head."""
    hem: float
    """How low the sheet hangs."""
    width: float
    """Half of it, at the hem."""
    sway: float
    """How far the hem trails behind."""

    def at(self, x: float, y: float) -> Point:
        """Give a point of the head, which is of radius 1 around (0, 0)."""
        return self.head[0] + x * self.radius, self.head[1] + y * self.radius

    def box(self, x: float, y: float, half_width: float, half_height: float) -> tuple[Point, Point]:
        """Give the corners of a box around a point of the head."""
        return self.at(x - half_width, y - half_height), self.at(x + half_width, y + half_height)


def traits_of(subject: str, chance: random.Random) -> frozenset[str]:
    """Tell what a ghost of this has about it."""
    words = {word.rstrip("s") for word in re.findall(r"[a-z-]+", subject.lower())}
    found = {trait for trait, known in _WORDS.items() if words & known}
    by_chance = chance.choice(_BY_CHANCE)
    return frozenset(found | ({by_chance} if by_chance and not found else set()))


def draw_figure(subject: str, chance: random.Random) -> Figure:
    """Draw the ghost of a subject; the same chance draws the same ghost."""
    traits = traits_of(subject, chance)
    build = _Build(
        traits,
        head=(SIZE / 2 + chance.uniform(-40, 40), 360 + chance.uniform(-20, 20)),
        radius=chance.uniform(150, 185) * (1.1 if "flippers" in traits else 1.0),
        hem=chance.uniform(760, 840),
        width=chance.uniform(215, 285),
        sway=chance.choice((-1, 1)) * chance.uniform(30, 110),
    )
    body, pen = _mask()
    pen.polygon(_sheet(build, chance), fill=255)
    _draw_arms(pen, build, chance)
    for shape in _on_the_head(traits):
        pen.polygon([build.at(x, y) for x, y in shape], fill=255)
    holes, lines = _draw_face(build, chance)
    return Figure(body.filter(ImageFilter.GaussianBlur(2.5)), holes, lines, _draw_folds(build, chance))


def _mask(level: int = 0) -> tuple[Image.Image, Pen]:
    mask = Image.new("L", (SIZE, SIZE), level)
    return mask, ImageDraw.Draw(mask)


def _sheet(build: _Build, chance: random.Random) -> list[Point]:
    """Outline the sheet: over the head, down one side, along a torn hem, and up the other."""
    (x, y), radius = build.head, build.radius
    angles = (math.pi * (1 + step / 60) for step in range(61))
    over = [(x + radius * math.cos(angle), y + 1.08 * radius * math.sin(angle)) for angle in angles]
    right = [_side(build, step / 40, 1) for step in range(41)]
    left = [_side(build, step / 40, -1) for step in range(40, -1, -1)]
    return over + right + _hem(right[-1], left[0], chance) + left


def _hem(start: Point, end: Point, chance: random.Random) -> list[Point]:
    """Outline the hem: a few tails, one longer than the other."""
    (x, y), tails = start, chance.randint(4, 6)
    depth = [52 * chance.uniform(0.5, 1.3) for _ in range(tails + 1)]

    def point(along: float) -> Point:
        drop = depth[int(along * tails)] * abs(math.sin(math.pi * along * tails)) ** 0.8
        return x + (end[0] - x) * along, y + drop

    return [point(step / 120) for step in range(121)]


def _side(build: _Build, along: float, side: int) -> Point:
    """Give a point of the sheet's side, from the head (0) to the hem (1): narrow at the neck, wide below."""
    (x, y), smooth = build.head, along * along * (3 - 2 * along)
    half = build.radius + (build.width - build.radius) * smooth - 26 * math.sin(math.pi * min(1, along * 2.2))
    return x + side * half + build.sway * along**2, y + (build.hem - y) * along


def _draw_arms(pen: Pen, build: _Build, chance: random.Random) -> None:
    """Raise both arms, as ghosts do; a flipper is short and broad, and points down."""
    (x, y), flips = build.head, "flippers" in build.traits
    for side in (-1, 1):
        lift = -chance.uniform(60, 110) if flips else chance.uniform(40, 95)
        reach = 105 if flips else chance.uniform(120, 165)
        shoulder = (x + side * build.radius * 0.72, y + build.radius * 1.45)
        for along in (step / 40 for step in range(41)):
            thick = 46 * math.sin(math.pi * (0.25 + 0.7 * along)) + 6 if flips else 52 - 26 * along
            droop = 0 if flips else 46 * math.sin(math.pi * along)
            at = shoulder[0] + side * reach * along, shoulder[1] - lift * along + droop
            pen.ellipse((at[0] - thick, at[1] - thick, at[0] + thick, at[1] + thick), fill=255)


def _on_the_head(traits: frozenset[str]) -> Iterator[list[Point]]:
    """Outline what a ghost has on its head."""
    for trait in traits & _KNOWN["in_the_middle"].keys():
        yield _outline(_KNOWN["in_the_middle"][trait])
    for trait in traits & _KNOWN["on_both_sides"].keys():
        yield (ear := _outline(_KNOWN["on_both_sides"][trait]))
        yield [(-x, y) for x, y in ear]


def _outline(parts: list[list[float]]) -> list[Point]:
    """Follow an outline, whose parts are points and ovals."""
    ovals = (_oval(*part) if len(part) > len(("x", "y")) else [(part[0], part[1])] for part in parts)
    return [*itertools.chain(*ovals)]


def _oval(x: float, y: float, wide: float, tall: float, lean: float) -> list[Point]:
    """Outline an oval; one that leans is pushed aside at its foot."""
    turns = (math.tau * step / 40 for step in range(40))
    return [(x + wide * math.cos(t) + lean * math.sin(t), y + tall * math.sin(t)) for t in turns]


def _draw_face(build: _Build, chance: random.Random) -> tuple[Image.Image, Image.Image]:
    """Draw eyes and mouth, and what shines in them."""
    (holes, dark), (lines, light) = _mask(), _mask()
    _draw_eyes(dark, light, build, chance)
    if "beak" in build.traits:
        beak = [build.at(-0.2, 0.3), build.at(0.2, 0.3), build.at(0, 0.72)]
        dark.polygon(beak, fill=190)
        light.line([*beak, beak[0]], fill=220, width=5)
    else:
        _draw_mouth(dark, build, chance)
    if "whiskers" in build.traits:
        dark.ellipse(build.box(0, 0.3, 0.11, 0.075), fill=255)
        for side, lift in itertools.product((-1, 1), (-0.14, 0, 0.14)):
            ends = [build.at(side * 0.3, 0.36 + 0.3 * lift), build.at(side * 1.02, 0.36 + 1.7 * lift)]
            light.line(ends, fill=235, width=5)
    if "tusks" in build.traits:
        for x in (-0.17, 0.17):
            light.polygon([build.at(x - 0.07, 0.55), build.at(x + 0.07, 0.55), build.at(x, 1.01)], fill=255)
    return holes.filter(ImageFilter.GaussianBlur(4)), lines.filter(ImageFilter.GaussianBlur(1.5))


def _draw_eyes(dark: Pen, light: Pen, build: _Build, chance: random.Random) -> None:
    """Draw hollow eyes, each with a glint."""
    apart, wide, tall = chance.uniform(0.36, 0.46), chance.uniform(0.15, 0.2), chance.uniform(0.22, 0.32)
    look = chance.uniform(-0.3, 0.3)
    third = [(0.0, -0.5)] if "three-eyes" in build.traits else []
    for x, y in [(-apart, -0.05), (apart, -0.05), *third]:
        dark.ellipse(build.box(x, y, wide, tall), fill=255)
        light.ellipse(build.box(x + (look + 0.25) * wide, y - 0.4 * tall, 0.3 * wide, 0.3 * wide), fill=255)


def _draw_mouth(dark: Pen, build: _Build, chance: random.Random) -> None:
    """Moan, grin, or wail."""
    match chance.randrange(3):
        case 0:
            dark.ellipse(build.box(0, 0.55, 0.13, 0.2), fill=255)
        case 1:
            dark.chord(build.box(0, 0.45, 0.3, 0.3), 15, 165, fill=255)
        case _:
            dark.rounded_rectangle(build.box(0, 0.61, 0.12, 0.3), 0.11 * build.radius, fill=255)


def _draw_folds(build: _Build, chance: random.Random) -> Image.Image:
    """Draw the folds of the sheet: soft stripes that begin under the head, and sway with it."""
    folds, pen = _mask(128)
    for _ in range(16):
        place, shade = chance.uniform(-0.95, 0.95), chance.choice((60, 80, 185, 210))
        path = []
        for step in range(31):
            along = 0.25 + 0.85 * step / 30
            (left, _), (right, y) = _side(build, along, -1), _side(build, along, 1)
            wave = 9 * math.sin(along * 7 + place * 9)
            path.append(((left + right) / 2 + place * (right - left) / 2 + wave, y))
        pen.line(path, fill=shade, width=chance.randint(10, 26), joint="curve")
    return folds.filter(ImageFilter.GaussianBlur(13))
