"""What the benchmark says at its end: tables in Markdown, and what was to be reached."""

from collections.abc import Callable, Iterable, Sequence
from statistics import median

from attrs import frozen

from callback.profiling import Profile
from callback.turns import Turn

Rounds = dict[str, list[Turn]]
"""The turns of each receiver, in order."""


@frozen
class Roles:
    """Which receiver is what."""

    ours: str
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
    """Tell what was to be reached, and whether it was."""
    ours = rounds[roles.ours]

    def compare(other: str, value: Callable[[Turn], float]) -> float:
        return median(value(mine) / value(theirs) for mine, theirs in zip(ours, rounds[other], strict=True))

    lines = []
    for peer in roles.peers:
        rate = compare(peer, lambda turn: turn.load.rate)
        delay = compare(peer, lambda turn: turn.load.p99_ms)
        lines.append(_goal(rate > 1, f"more requests/s than {peer}, which stores nothing"))
        lines.append(_goal(delay < 2, f"a p99 below twice that of {peer}"))  # noqa: PLR2004 - doubled
    share = compare(roles.floor, lambda turn: turn.load.rate)
    lines.append(_goal(share >= 0.7, f"0.7 of the requests/s of {roles.floor}"))  # noqa: PLR2004 - the aim
    return "\n".join(lines)


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
