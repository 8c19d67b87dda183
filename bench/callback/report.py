"""What the benchmark says at its end: tables in Markdown, and what was to be reached."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from attrs import frozen

from callback.profiling import Profile
from callback.turns import Turn

_FRAMES = 4
_STORED_US = 60
_OF_FLOOR = 0.85
_P99_MS = 15

Rounds = dict[str, list[Turn]]
"""The turns of each receiver, in order."""


@frozen
class Roles:
    """Which receiver is what."""

    ours: str
    frame: str
    floor: str
    peers: tuple[str, ...]


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def spread(values: Sequence[float], form: str) -> str:
    """Tell the median, and the least and the greatest."""
    middle, least, most = (form.format(of(values)) for of in (median, min, max))
    return f"{middle} ({least} to {most})"


def speeds(rounds: Rounds) -> str:
    """Tell how fast each was: the median, and every round."""
    head = ["receiver", "requests/s", "each round", "p50 ms", "p99 ms", "each round", "max ms", "non-2xx"]
    return table(
        head,
        (
            [
                name,
                _middle(turns, lambda turn: turn.load.rate, "{:,.0f}"),
                _each(turns, lambda turn: turn.load.rate, "{:,.0f}"),
                _middle(turns, lambda turn: turn.load.p50_ms, "{:.1f}"),
                _middle(turns, lambda turn: turn.load.p99_ms, "{:.1f}"),
                _each(turns, lambda turn: turn.load.p99_ms, "{:.1f}"),
                f"{max(turn.load.max_ms for turn in turns):.0f}",
                str(sum(turn.load.bad_status for turn in turns)),
            ]
            for name, turns in rounds.items()
        ),
    )


def costs(rounds: Rounds) -> str:
    """Tell what a request costs: less noisy than speeds on a machine that is shared."""
    cpu = ["own µs", "PostgreSQL µs", "wrk µs"]
    cores = ["own cores", "cores in all", "cores of others"]
    head = ["receiver", *cpu, *cores, "answered", "taken", "wraps"]
    return table(
        head,
        (
            [
                name,
                _middle(turns, lambda turn: turn.cost(turn.cpu_seconds), "{:.0f}"),
                _middle(turns, lambda turn: turn.cost(turn.database_cpu_seconds), "{:.0f}"),
                _middle(turns, lambda turn: turn.cost(turn.load.cpu_seconds), "{:.0f}"),
                _middle(turns, lambda turn: turn.cpu_seconds / turn.load.seconds, "{:.2f}"),
                _middle(turns, lambda turn: turn.cores_busy, "{:.1f}"),
                _middle(turns, lambda turn: turn.cores_of_others, "{:.1f}"),
                str(sum(turn.load.requests for turn in turns)),
                "?" if turns[0].taken is None else str(sum(turn.taken or 0 for turn in turns)),
                str(sum(turn.load.wraps for turn in turns)),
            ]
            for name, turns in rounds.items()
        ),
    )


def ratios(rounds: Rounds, roles: Roles) -> str:
    """Compare within each round, whose turns had the machine in much the same state."""
    rows = []
    for other in (roles.floor, *roles.peers):
        pairs = list(zip(rounds[roles.ours], rounds[other], strict=True))
        rates = [ours.load.rate / theirs.load.rate for ours, theirs in pairs]
        delays = [ours.load.p99_ms / theirs.load.p99_ms for ours, theirs in pairs]
        rows.append([other, f"{median(rates):.2f}", _list(rates), f"{median(delays):.2f}", _list(delays)])
    return table([f"{roles.ours} ÷", "requests/s", "each round", "p99", "each round"], rows)


def goals(rounds: Rounds, roles: Roles) -> str:
    """Tell what was to be reached, whether it was and, where not, what the limit is made of."""
    ours = rounds[roles.ours]

    def compare(other: str, value: Callable[[Turn], float]) -> float:
        return median(value(mine) / value(theirs) for mine, theirs in zip(ours, rounds[other], strict=True))

    own = compare(roles.frame, lambda turn: turn.cost(turn.cpu_seconds))
    stored = median(turn.cost(turn.database_cpu_seconds) for turn in ours)
    p99 = median(turn.load.p99_ms for turn in ours)
    rates = {name: compare(name, lambda turn: turn.load.rate) for name in (*roles.peers, roles.floor)}
    told = [
        (
            own <= _FRAMES,
            f"{_FRAMES} times what {roles.frame} takes of a processor, at most: {own:.1f}",
        ),
        (stored <= _STORED_US, f"{_STORED_US} µs of PostgreSQL's, at most: {stored:.0f}"),
        *((rates[name] >= 1, f"the requests/s of {name}: {rates[name]:.2f}") for name in roles.peers),
        (
            rates[roles.floor] >= _OF_FLOOR,
            f"{_OF_FLOOR} of the requests/s of {roles.floor}, with two whole cores: {rates[roles.floor]:.2f}",
        ),
        (p99 <= _P99_MS, f"a p99 of {_P99_MS} ms, at most: {p99:.0f}"),
    ]
    lines = "\n".join(_goal(is_reached, what) for is_reached, what in told)
    return lines if all(is_reached for is_reached, _ in told) else f"{lines}\n\n{_limit(rounds, roles)}"


def _limit(rounds: Rounds, roles: Roles) -> str:
    """Tell what the limit is made of, by what the others cost in the same rounds."""

    def middle(name: str) -> float:
        return median(turn.cost(turn.cpu_seconds) for turn in rounds[name])

    ours, frame = middle(roles.ours), middle(roles.frame)
    busy = median(turn.cores_busy for turn in rounds[roles.ours])
    return (
        f"What the limit is made of: of our {ours:.0f} µs, {frame:.0f} are the HTTP that {roles.frame} alone"
        f" costs. The rest is the request in front of it, its signature, its JSON and what it says, about a"
        " third; what follows from it, and its share of a commit. A commit costs our process and PostgreSQL"
        " as much as a dozen messages, and is shared by those that came during the one before. While it"
        f" waits for the disk nothing else is written: {busy:.1f} cores were busy in all."
    )


def profile(found: Profile, turn: Turn, rows: int = 40) -> str:
    """Tell where the time of a request goes in our process, in microseconds of a request."""
    whole = turn.cost(turn.cpu_seconds)

    def shares(what: str, of: dict[str, float]) -> str:
        return table(
            [what, "share", "µs"],
            ([name, f"{share:.1%}", f"{share * whole:.1f}"] for name, share in list(of.items())[:rows]),
        )

    of_ours = {name: share for name, share in found.total.items() if "showtime_" in name}
    return "\n\n".join(
        [
            f"{found.samples} samples; a request takes {whole:.0f} µs of our process.",
            shares("own time by package", found.rooms),
            shares("own time by function", found.own),
            shares("with all that it calls: ours", of_ours),
            shares("with all that it calls: every function", found.total),
        ]
    )


def _goal(is_reached: bool, what: str) -> str:  # noqa: FBT001 - a verdict
    return f"- {'reached' if is_reached else 'NOT REACHED'}: {what}"


def _middle(turns: Sequence[Turn], value: Callable[[Turn], float], form: str) -> str:
    return form.format(median(value(turn) for turn in turns))


def _each(turns: Sequence[Turn], value: Callable[[Turn], float], form: str) -> str:
    return " / ".join(form.format(value(turn)) for turn in turns)


def _list(values: Sequence[float]) -> str:
    return " / ".join(f"{value:.2f}" for value in values)
