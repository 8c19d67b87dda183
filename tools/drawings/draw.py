"""Draw the pictures of the architecture from the code.

    .venv/bin/python tools/drawings/draw.py [FOLDER]

The same code gives the same pictures, to the byte. A unit test fails while those in `docs` are of other code.
"""

import sys
from pathlib import Path

import house
import message

FOLDER = Path(__file__).parents[2] / "docs/explanation"
PICTURES = {"house.svg": house.draw, "message.svg": message.draw}

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if sys.argv[1:] else FOLDER
    for name, draw in PICTURES.items():
        (folder / name).write_text(draw(), "utf-8")
