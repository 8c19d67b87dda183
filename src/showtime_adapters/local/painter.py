"""The painter on a laptop: a ghost of its subject, as it would look on an old tape."""

import asyncio
import hashlib
import io
import random
import re
from collections.abc import Callable

from PIL import Image, ImageChops, ImageColor, ImageFilter

from showtime_adapters.local.figure import SIZE, Figure, draw_figure
from showtime_adapters.local.tape import snow, wear

_SUBJECT = re.compile(r"a ghostly image of (.*), with glitchy VHS artifacts, dark background", re.DOTALL)
Colour = tuple[int, int, int]
_TINTS = ("#a8ffd6", "#96e2ff", "#cebeff", "#beff96", "#ffd6aa")
_DARK = (6, 6, 16)
_HOLLOW = (12, 8, 28)
_GLINT = (255, 255, 246)
_JPEG_QUALITY = 80


class LocalPainter:
    """Paints without asking anybody; the same subject has the same ghost."""

    async def paint(self, prompt: str) -> bytes:
        """Paint one image of 1024 x 1024; returns a JPEG."""
        found = _SUBJECT.fullmatch(prompt)
        return await asyncio.to_thread(_paint, found[1] if found else prompt)


def _paint(subject: str) -> bytes:
    # The same digest is the same chance: nothing here is a secret.
    chance = random.Random(hashlib.sha256(subject.lower().encode("utf-8", "replace")).digest())  # noqa: S311
    red, green, blue = ImageColor.getrgb(chance.choice(_TINTS))[:3]
    tint = red, green, blue
    figure = draw_figure(subject, chance)
    picture = _haunt(_night(tint, chance), figure, tint, chance)
    worn = wear(picture, subject, chance)
    jpeg = io.BytesIO()
    worn.save(jpeg, "JPEG", quality=_JPEG_QUALITY)
    return jpeg.getvalue()


def _night(tint: Colour, chance: random.Random) -> Image.Image:
    """Paint a dark room, a glow behind the ghost, and mist on the floor."""
    far = SIZE + 400
    glow = ImageChops.invert(
        Image.radial_gradient("L").resize((far, far)).crop((200, 150, SIZE + 200, SIZE + 150))
    )
    night = ImageChops.add(Image.new("RGB", (SIZE, SIZE), _DARK), _tinted(glow.point(_times(0.3)), tint))
    mist = snow((14, 9), chance).resize((SIZE, SIZE), Image.Resampling.BICUBIC)
    floor = Image.linear_gradient("L").resize((SIZE, SIZE)).point(lambda low: max(0, low - 150))
    return ImageChops.screen(night, _tinted(ImageChops.multiply(mist, floor).point(_times(1.3)), tint))


def _haunt(room: Image.Image, figure: Figure, tint: Colour, chance: random.Random) -> Image.Image:
    """Let the ghost appear: its light, its echoes, its sheet that fades towards the hem, and its face."""
    height = ImageChops.invert(Image.linear_gradient("L").resize((SIZE, SIZE)))
    body = ImageChops.multiply(figure.body, height.point(lambda high: min(255, 22 + int(high * 1.5))))
    picture = ImageChops.screen(room, _tinted(body.filter(ImageFilter.GaussianBlur(64)), tint))
    drift = chance.choice((-1, 1))
    for shift, colour in ((74, (120, 40, 120)), (38, (30, 110, 130)), (-30, (120, 40, 60))):
        echo = ImageChops.offset(body, drift * shift, 8).filter(ImageFilter.GaussianBlur(8))
        picture = ImageChops.screen(picture, _tinted(echo.point(_times(0.6)), colour))
    picture.paste(_tinted(_sheet(figure), _pale(tint)), (0, 0), body.point(_times(0.93)))
    sockets = figure.holes.filter(ImageFilter.GaussianBlur(16)).point(_times(0.6))
    picture.paste(_HOLLOW, (0, 0), ImageChops.lighter(sockets, figure.holes))
    picture.paste(_GLINT, (0, 0), figure.lines)
    return picture


def _sheet(figure: Figure) -> Image.Image:
    """Light the sheet: round, bright at its rim and dark in its folds."""
    inside = figure.body.filter(ImageFilter.GaussianBlur(34))
    rim = ImageChops.subtract(figure.body, inside).point(_times(0.9))
    cloth = ImageChops.overlay(Image.new("L", (SIZE, SIZE), 176), figure.folds)
    top = ImageChops.invert(Image.linear_gradient("L").resize((SIZE, SIZE))).point(_times(0.24))
    return ImageChops.add(ImageChops.add(cloth, rim), top)


def _times(factor: float) -> Callable[[int], int]:
    return lambda value: int(value * factor)


def _pale(tint: Colour) -> Colour:
    red, green, blue = (int(part * 0.6 + 255 * 0.4) for part in tint)
    return red, green, blue


def _tinted(mask: Image.Image, tint: Colour) -> Image.Image:
    return Image.merge("RGB", [mask.point(_times(part / 255)) for part in tint])
