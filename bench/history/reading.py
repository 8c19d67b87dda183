"""Reading over HTTP: one request after another, as a visitor of the website sends them."""

import random
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from statistics import median, quantiles

from attrs import frozen

ASKED = 300
"""How often each thing is asked for: it has its turn with the others."""


class NotAnsweredError(Exception):
    """An answer was not the one that was to be timed."""


@frozen
class Question:
    """What is asked for again and again."""

    name: str
    path: Callable[[], str]
    """Gives the path of one request."""
    limit_ms: float
    """What its median may be."""
    is_known: bool = False
    """Whether whoever asks has the answer already, and is told so."""


@frozen
class Timing:
    """How long the answers took."""

    name: str
    limit_ms: float
    milliseconds: tuple[float, ...]
    body_bytes: int
    """Of the largest answer."""

    @property
    def median_ms(self) -> float:
        """Tell what one answer in two took at most."""
        return median(self.milliseconds)

    @property
    def p99_ms(self) -> float:
        """Tell what all but one in a hundred took at most."""
        return quantiles(self.milliseconds, n=100)[98]


def questions(nights: int, ghosts: Sequence[str]) -> list[Question]:
    """List what is asked of a history of so many nights."""
    chance = random.Random(nights)

    def any_night() -> int:
        return chance.randint(1, nights)

    return [
        Question("the whole list", lambda: "/history", 150),
        Question("the whole list, known already", lambda: "/history", 150, is_known=True),
        Question("a page of 100", lambda: f"/history?limit=100&after={any_night()}", 10),
        Question("one broadcast", lambda: f"/history/{any_night()}", 10),
        Question("a ghost's images", lambda: f"/history/images/{chance.choice(ghosts)}", 10),
    ]


def time_all(port: int, asked: Sequence[Question], rounds: int = ASKED) -> list[Timing]:
    """Ask each in its turn, so that all meet the same machine. Raises NotAnsweredError."""
    connection = HTTPConnection("127.0.0.1", port)
    taken: dict[str, list[tuple[float, int]]] = {question.name: [] for question in asked}
    tags: dict[str, str] = {}
    for number in range(-5, rounds):  # the first few wake everything up
        for question in asked:
            took = _ask(connection, question, tags)
            if number >= 0:
                taken[question.name].append(took)
    connection.close()
    return [
        Timing(
            question.name,
            question.limit_ms,
            tuple(milliseconds for milliseconds, _ in taken[question.name]),
            max(size for _, size in taken[question.name]),
        )
        for question in asked
    ]


def _ask(connection: HTTPConnection, question: Question, tags: dict[str, str]) -> tuple[float, int]:
    path = question.path()
    known = tags.get(path, "") if question.is_known else ""
    start = time.perf_counter()
    connection.request("GET", path, headers={"if-none-match": known})
    answer = connection.getresponse()
    body = answer.read()
    took = (time.perf_counter() - start) * 1e3
    wanted = 304 if known else 200
    if answer.status != wanted:
        raise NotAnsweredError(f"GET {path} was answered {answer.status}, not {wanted}: {body[:200]!r}")
    tags[path] = answer.headers["etag"]
    return took, len(body)
