"""What an old tape does to a picture: colours run, lines slip, snow falls; and what the recorder writes."""

import random
import textwrap
import unicodedata
from datetime import datetime, timedelta

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

_LINE = 2
"""How many pixels make a line of the picture."""
_WHITE = (240, 244, 236)
_SHADOW = (8, 8, 16)


def wear(picture: Image.Image, caption: str, chance: random.Random) -> Image.Image:
    """Play a picture from an old tape, with its caption."""
    picture = _bleed(picture)
    picture = _write(picture, caption, chance)
    picture = _slip(picture, chance)
    picture = _streak(picture, chance)
    return _scan(_grain(picture, chance))


def _bleed(picture: Image.Image) -> Image.Image:
    """Let colours run: a tape keeps them coarsely and late, and red and blue not in the same place."""
    luma, blue, red = picture.convert("YCbCr").split()
    luma = luma.filter(ImageFilter.BoxBlur((1.6, 0)))
    blue = ImageChops.offset(blue.filter(ImageFilter.BoxBlur((15, 2))), 12, 0)
    red = ImageChops.offset(red.filter(ImageFilter.BoxBlur((15, 2))), 7, 0)
    r, g, b = Image.merge("YCbCr", (luma, blue, red)).convert("RGB").split()
    return Image.merge("RGB", (ImageChops.offset(r, -8, 0), g, ImageChops.offset(b, 8, 0)))


def _slip(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Let lines slip sideways: a little everywhere, much where the tracking is lost, and at the bottom."""
    width, height = picture.size
    lost = [(chance.randint(90, height - 220), chance.randint(22, 64)) for _ in range(chance.randint(2, 3))]
    worn, drift = picture.copy(), 0.0
    for y in range(0, height, _LINE):
        drift = 0.9 * drift + chance.gauss(0, 0.7)
        shift = drift
        for start, depth in lost:
            if start <= y < start + depth:
                shift += 46 * (1 - (y - start) / depth) ** 2 + chance.gauss(0, 5)
        if y > height - 34:
            shift += (y - height + 34) * 2.6 + chance.gauss(0, 8)
        line = picture.crop((0, y, width, y + _LINE))
        worn.paste(ImageChops.offset(line, round(shift), 0), (0, y))
    return worn


def _streak(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Let the signal drop out: short white streaks, most of them in a band of snow."""
    width, height = picture.size
    snow = Image.new("L", picture.size, 0)
    pen = ImageDraw.Draw(snow)
    band = chance.randint(120, height - 200)
    for number in range(260):
        y = chance.gauss(band, 16) if number % 4 else chance.uniform(0, height)
        _draw_streak(pen, chance.uniform(-40, width), y, chance)
    for _ in range(150):
        _draw_streak(pen, chance.uniform(-40, width), height - chance.uniform(0, 26), chance)
    return ImageChops.screen(picture, Image.merge("RGB", (snow, snow, snow)))


def _draw_streak(pen: ImageDraw.ImageDraw, x: float, y: float, chance: random.Random) -> None:
    line = int(y) // _LINE * _LINE
    length = chance.expovariate(1 / 34) + 4
    pen.rectangle((x, line, x + length, line + 1), fill=chance.randint(70, 235))


def _grain(picture: Image.Image, chance: random.Random) -> Image.Image:
    """Add noise, coarse along the lines."""
    noise = snow((picture.width // 2, picture.height), chance).resize(picture.size)
    return Image.blend(picture, ImageChops.overlay(picture, Image.merge("RGB", (noise, noise, noise))), 0.3)


def snow(size: tuple[int, int], chance: random.Random) -> Image.Image:
    """Make noise; Pillow's own is another each time."""
    return Image.frombytes("L", size, chance.randbytes(size[0] * size[1]))


def _scan(picture: Image.Image) -> Image.Image:
    """Darken every other line, and the corners."""
    height = picture.height
    lines = Image.new("L", (1, height), 255)
    for y in range(0, height, 2 * _LINE):
        lines.paste(176, (0, y, 1, y + _LINE))
    corners = Image.radial_gradient("L").resize(picture.size).point(lambda far: 255 - max(0, far - 130))
    shade = ImageChops.multiply(lines.resize(picture.size), corners)
    return ImageChops.multiply(picture, Image.merge("RGB", (shade, shade, shade)))


def _write(picture: Image.Image, caption: str, chance: random.Random) -> Image.Image:
    """Write what a recorder writes over the picture, and the caption under it."""
    width, height = picture.size
    minutes = chance.randrange(7 * 60)
    moment = datetime(1984, 10, 31, 21) + timedelta(days=chance.randrange(12 * 365), minutes=minutes)  # noqa: DTZ001
    _stamp(picture, "PLAY \u00bb", 5, 64, 52)
    _stamp(picture, f"SP 0:{chance.randrange(60):02}:{chance.randrange(60):02}", 5, width - 64, 52, 1.0)
    _stamp(picture, moment.strftime("%p %I:%M"), 4, 64, 112)
    _stamp(picture, moment.strftime("%b. %d %Y").upper(), 4, 64, 156)
    lines = textwrap.wrap(_in_coarse_letters(caption), 34, max_lines=4, placeholder="...")
    for number, line in enumerate(lines):
        _stamp(picture, line, 4, width // 2, height - 96 - 44 * (len(lines) - 1 - number), 0.5)
    return picture


def _in_coarse_letters(text: str) -> str:
    """Say a text in the letters that a recorder has; what it has not is left out."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return " ".join(plain.upper().split())


def _stamp(  # noqa: PLR0913, PLR0917 - what, how and where
    picture: Image.Image, text: str, scale: int, x: int, y: int, anchor: float = 0.0
) -> None:
    """Write in coarse letters with a shadow, from x on, to x (anchor 1) or around it (0.5)."""
    font = ImageFont.load_default_imagefont()
    width, height = (int(edge) + 1 for edge in font.getbbox(text)[2:])
    letters = Image.new("L", (width, height), 0)
    ImageDraw.Draw(letters).text((0, 0), text, fill=255, font=font)
    letters = letters.resize((width * scale, height * scale), Image.Resampling.NEAREST)
    left = round(x - anchor * letters.width)
    picture.paste(_SHADOW, (left + scale, y + scale), letters)
    picture.paste(_WHITE, (left, y), letters)
