"""What flashes on a screen, by WCAG 2.3.1: frames are looked at as a photosensitive person would meet them.

A flash is a pair of opposing changes of relative luminance by a tenth or more of the largest, where the
darker is below 0.8; or of a saturated red, by 20 of its units. Not more than three a second may be seen on a
quarter of any 341 by 256 pixels, at 1024 by 768. Frames are averaged over squares of eight pixels of that
size: finer patterns are no flash by the rule's own words.
"""

import io
from collections.abc import Iterable, Iterator, Sequence

from PIL import Image

_COLUMNS, _ROWS = 128, 72
_WINDOW = (341 // 8, 256 // 8)
_MOST = 3
_STEP = 0.1
_RED_STEP = 20.0
_DARK = 0.8
_LINEAR = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in range(256)]

Values = Sequence[float]


def read_frame(png: bytes) -> tuple[Values, Values]:
    """Read a screenshot: the relative luminance and the redness of each square."""
    small = Image.open(io.BytesIO(png)).convert("RGB").resize((_COLUMNS, _ROWS), Image.Resampling.BOX)
    values = [_LINEAR[value] for value in small.tobytes()]
    pixels = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in pixels]
    return light, [_redness(*pixel) for pixel in pixels]


def _redness(r: float, g: float, b: float) -> float:
    """(R - G - B) times 320 where it is saturated; nothing elsewhere."""
    total = r + g + b
    return max(0.0, (r - g - b) * 320) if total and r / total >= _DARK else 0.0


def worst_share(frames: Sequence[tuple[float, Values, Values]]) -> float:
    """Tell the largest share of any window that flashes more than three times within a second.

    `frames` are the time of each, in seconds, its luminance and its redness.
    """
    times = [time for time, _, _ in frames]
    lights, reds = (zip(*(frame[which] for frame in frames), strict=True) for which in (1, 2))
    guilty = [
        _exceeds(times, light, _STEP, _DARK) or _exceeds(times, red, _RED_STEP, float("inf"))
        for light, red in zip(lights, reds, strict=True)
    ]
    width, height = _WINDOW
    if not any(guilty):
        return 0.0
    return max(
        sum(sum(guilty[y * _COLUMNS + x :][:width]) for y in range(top, top + height)) / (width * height)
        for x in range(_COLUMNS - width + 1)
        for top in range(_ROWS - height + 1)
    )


def _exceeds(times: Sequence[float], values: Values, step: float, dark: float) -> bool:
    if max(values) - min(values) < step:
        return False
    turns = list(_turns(times, values, step, dark))
    flashes = [second for _, second in zip(turns[::2], turns[1::2], strict=False)]
    return any(later - first <= 1 for first, later in zip(flashes, flashes[_MOST:], strict=False))


def _turns(times: Sequence[float], values: Values, step: float, dark: float) -> Iterator[float]:
    """Tell when the value has changed by a step, against the direction of the change before."""
    extreme, direction = values[0], 0
    for time, value in zip(times[1:], values[1:], strict=True):
        change = value - extreme
        if direction * change > 0:
            extreme = value
        elif abs(change) >= step and min(value, extreme) < dark:
            extreme, direction = value, 1 if change > 0 else -1
            yield time


def moments(milliseconds: float, busy: Iterable[tuple[float, float]], rate: int) -> list[float]:
    """Tell when to look, in milliseconds: so many times a second where something moves, and at both ends."""
    step = 1000 / rate
    looked = {0.0, milliseconds}
    for begin, end in busy:
        looked |= {begin + step * number for number in range(int((end - begin) / step) + 1)}
    return sorted(time for time in looked if time <= milliseconds)
