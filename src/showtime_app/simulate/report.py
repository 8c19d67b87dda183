"""What came back, and what it amounts to."""

from collections import Counter
from collections.abc import Mapping, Sequence

from attrs import Factory, define, frozen

from showtime_app.simulate.messages import Address, Expectation, Request

_EXAMPLES = 5
_EXCERPT = 160
_SHOWN_BODY = 4_000
_HOPELESS = 3


@frozen
class ServerAnswer:
    """What a server said to a request, or why nothing came."""

    status: int | None
    """None: no answer, `failure` says why."""
    seconds: float
    headers: Mapping[str, str] = Factory(dict)
    """By lower-case name."""
    body: bytes = b""
    failure: str = ""

    @property
    def excerpt(self) -> str:
        """The beginning of the body, on one line."""
        return " ".join(self.body[:_EXCERPT].decode(errors="replace").split())


@frozen
class RequestOutcome:
    """A request and its answer."""

    label: str
    expected: Expectation
    answer: ServerAnswer

    @property
    def is_right(self) -> bool:
        """Whether a correct server would have answered so."""
        return self.answer.status in self.expected.statuses

    def __str__(self) -> str:
        answer = self.answer
        if answer.status is None:
            return f"WRONG  {self.label}: {answer.failure}"
        if self.is_right:
            return f"ok     {self.label}: {answer.status} in {milliseconds(answer.seconds)}"
        return f"WRONG  {self.label}: {answer.status} instead of {self.expected.words}: {answer.excerpt}"


@define
class Tally:
    """Counts outcomes while they come in."""

    right: int = 0
    statuses: Counter[int | None] = Factory(Counter)
    """How many answers had each status; None: there was no answer."""
    latencies: list[float] = Factory(list)
    """Seconds, of what was answered."""
    examples: list[RequestOutcome] = Factory(list)
    """The first few that went wrong."""

    def add(self, outcome: RequestOutcome) -> None:
        """Count one."""
        self.right += outcome.is_right
        self.statuses[outcome.answer.status] += 1
        if outcome.answer.status is not None:
            self.latencies.append(outcome.answer.seconds)
        if not outcome.is_right and len(self.examples) < _EXAMPLES:
            self.examples.append(outcome)

    @property
    def sent(self) -> int:
        """How many there were."""
        return self.statuses.total()

    @property
    def unanswered(self) -> int:
        """How many got no answer."""
        return self.statuses[None]

    @property
    def all_right(self) -> bool:
        """Whether something was sent, and all of it answered as by a correct server."""
        return self.right > 0 and self.right == self.sent

    @property
    def is_hopeless(self) -> bool:
        """Whether nobody is there: several in a row, and never an answer."""
        return self.unanswered >= _HOPELESS and self.unanswered == self.sent


def summary(tally: Tally, seconds: float, *, with_examples: bool = True) -> str:
    """Sum up a run that took that long, for people; the examples are of what went wrong."""
    wrong = tally.sent - tally.right - tally.unanswered
    counts = {"answered wrongly": wrong, "not answered": tally.unanswered}
    verdicts = [
        f"{tally.right} answered as they should be",
        *(f"{n} {what}" for what, n in counts.items() if n),
    ]
    rate = f" ({tally.sent / seconds:.1f}/s)" if tally.sent > 1 and seconds else ""
    lines = [f"{tally.sent} sent in {seconds:.2f} s{rate}: {', '.join(verdicts)}"]
    if answers := sorted((status, number) for status, number in tally.statuses.items() if status):
        lines.append("answers: " + ", ".join(f"{number} x {status}" for status, number in answers))
    if tally.latencies:
        lines.append("latency: " + _latency(sorted(tally.latencies)))
    return "\n".join([*lines, *(map(str, tally.examples) if with_examples else ())])


def _latency(ordered: Sequence[float]) -> str:
    marks = {"median": 0.5, "p95": 0.95, "p99": 0.99, "slowest": 1.0}
    return ", ".join(f"{name} {milliseconds(percentile(ordered, part))}" for name, part in marks.items())


def percentile(ordered: Sequence[float], part: float) -> float:
    """Take the smallest value that at least that part of the (sorted, not empty) values do not exceed."""
    return ordered[max(0, -int(-len(ordered) * part // 1) - 1)]


def milliseconds(seconds: float) -> str:
    """Write a latency."""
    return f"{seconds * 1000:.1f} ms"


def shown(request: Request, address: Address) -> str:
    """Show a request in full, as a dry run prints it."""
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers)
    body = request.body.decode(errors="replace")
    if len(body) > _SHOWN_BODY:
        body = f"{body[:_SHOWN_BODY]}... ({len(request.body)} bytes in all)"
    heading = f"# {request.label}, to be answered {request.expected.words}"
    return f"{heading}\nPOST {address.url}\n{headers}\n\n{body}\n"
