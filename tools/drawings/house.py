"""The picture of the house: its packages and their rooms, and which imports which.

It is drawn from the graph of imports. A room stands as high as its importers allow: directly under the lowest
of them. So every line leads down, and there is no picture of a house with a cycle.
"""

from functools import cache
from itertools import pairwise

import grimp
from svg import CHARACTER, MARGIN, WIDTH, arrow, box, picture, text

PACKAGES = {
    "showtime_app": "settings, command line, web; puts the service together",
    "showtime_adapters": "one room for each thing outside",
    "showtime_core": "the rules: no clock, no chance, no input or output",
}
OPENED = "showtime_core.domain"
"""The room whose own rooms are drawn as well."""

BOX, GAP, ROW = 28, 16, 64
HEADING = 36

Room = str
Imports = dict[Room, set[Room]]


@cache
def graph() -> grimp.ImportGraph:
    """Read the imports of all packages."""
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def imports_within(package: str) -> Imports:
    """Tell which room of a package imports which others of it."""
    rooms = sorted(graph().find_children(package))
    return {
        room: {
            other
            for other in rooms
            if other != room and graph().direct_import_exists(importer=room, imported=other, as_packages=True)
        }
        for room in rooms
    }


def rows_of(imports: Imports) -> list[list[Room]]:
    """Arrange rooms in rows: each directly under the lowest that imports it."""

    @cache
    def depth(room: Room) -> int:
        return max((depth(above) + 1 for above in imports if room in imports[above]), default=0)

    deepest = max(map(depth, imports))
    return [[room for room in imports if depth(room) == row] for row in range(deepest + 1)]


def label(room: Room) -> str:
    """Name a room without its package."""
    return room.rpartition(".")[2]


def width_of(room: Room) -> float:
    """Tell how wide the box of a room is."""
    return len(label(room)) * CHARACTER + 16


def lines_of(row: list[Room]) -> list[list[Room]]:
    """Break a row that is too wide for the picture into lines of about the same length."""
    inner = WIDTH - 4 * MARGIN
    count = 1
    while True:
        size = -(-len(row) // count)
        lines = [row[start : start + size] for start in range(0, len(row), size)]
        if all(sum(map(width_of, line)) + GAP * (len(line) - 1) <= inner for line in lines):
            return lines
        count += 1


def needed(imports: Imports) -> list[tuple[Room, Room]]:
    """Tell the imports that no others imply: who imports a room need not be joined to what that imports."""

    def reached(room: Room) -> set[Room]:
        return set().union(*({below} | reached(below) for below in imports[room]))

    return [
        (room, below)
        for room in imports
        for below in sorted(imports[room])
        if not any(below in reached(other) for other in imports[room] if other != below)
    ]


def middle_of_importers(room: Room, imports: Imports, middle: dict[Room, float]) -> float:
    """Tell where the middle is of all that import a room, so that few lines cross."""
    above = [middle[importer] for importer in imports if room in imports[importer]]
    return sum(above) / len(above) if above else 0


def draw_rooms(package: str, top: float) -> tuple[list[str], float]:
    """Draw the rooms of a package from `top` on; returns them, and where they end."""
    imports = imports_within(package)
    places: dict[Room, tuple[float, float]] = {}
    middle: dict[Room, float] = {}
    y = top
    for row in rows_of(imports):
        for line in lines_of(
            sorted(row, key=lambda room: (middle_of_importers(room, imports, middle), room))
        ):
            x = (WIDTH - sum(map(width_of, line)) - GAP * (len(line) - 1)) / 2
            for room in line:
                places[room] = (x, y)
                middle[room] = x + width_of(room) / 2
                x += width_of(room) + GAP
            y += BOX + GAP
        y += ROW - BOX - GAP
    lines = []
    for room, below in needed(imports):
        start, end = places[room][1] + BOX, places[below][1]
        bend = min(ROW - BOX, (end - start) / 2)
        lines.append(
            arrow(
                f"M{middle[room]:g} {start:g}C{middle[room]:g} {start + bend:g}"
                f" {middle[below]:g} {end - bend:g} {middle[below]:g} {end:g}"
            )
        )
    boxes = [
        box(x, y, width_of(room), BOX, "box") + text(middle[room], y + 19, label(room), "name", "middle")
        for room, (x, y) in places.items()
    ]
    return lines + boxes, y - (ROW - BOX) + GAP


def draw() -> str:
    """Draw the house."""
    parts: list[str] = []
    y: float = MARGIN
    floors = [(name, says, name) for name, says in PACKAGES.items()]
    floors.append((OPENED, "what there is, and what follows from it", "showtime_core"))
    bands = []
    for name, says, package in floors:
        rooms, end = draw_rooms(name, y + HEADING + 8)
        kind = package.removeprefix("showtime_")
        parts += [
            box(MARGIN, y, WIDTH - 2 * MARGIN, end - y, kind),
            text(MARGIN + 14, y + 24, name, "title"),
            text(WIDTH - MARGIN - 14, y + 24, says, "dim", "end"),
            *rooms,
        ]
        bands.append((y, end))
        y = end + 30
    for (_, end), (start, _) in pairwise(bands[:3]):
        parts.append(arrow(f"M{WIDTH / 2} {end:g}L{WIDTH / 2} {start:g}"))
    parts.append(text(MARGIN, y, "A line leads from who imports to what is imported.", "dim"))
    return picture(
        "The packages of showtime and their rooms",
        "Imports lead from the app to the adapters to the core, and within each of them downwards.",
        y + MARGIN,
        parts,
    )
