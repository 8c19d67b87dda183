"""A stage on which things go wrong: two instances, their database, the line to it, and their neighbours.

Each kind of fault has a task of its own, whose choices follow from the seed and from nothing else; what is
under way when a fault comes differs from run to run, since processes race each other. Faults are counted when
they have come about, not when they were wished for.
"""

import asyncio
import random
import signal
import time
from collections import Counter, deque
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from attrs import define, field

from support import postgres
from support.deeds import deeds
from support.evening import evening, messages
from support.faults_line import UnsteadyLine
from support.faults_points import Life, Lot, Point, begin
from support.faults_watchers import BalancedSender
from support.following import until
from support.forked import Forked
from support.neighbours import Neighbours
from support.server import Served, answers, environment, free_port
from support.twitch import Message, offline, online

SETTLE_SECONDS = 2
"""Longer than the ledger of this stage works on a request that nobody waits for any more."""
_LATE_SECONDS = (0.1, 0.8)
_AHEAD = [timedelta(), timedelta(seconds=-90), timedelta(seconds=90), timedelta(minutes=4)]
"""By how much the clocks of instances are ahead: they differ, and each life has another."""
_LIFE_SECONDS = 12.0
"""After so long an instance that has not come to its point is killed all the same, and another is armed."""
_MOST_UNANSWERED = 40
"""While more messages wait for their answer no others are made up."""
_ENDS = [signal.SIGQUIT, signal.SIGKILL, signal.SIGINT]

FAILURES = {
    "auth": ["500", "429", "cut", "die", "late", "rubbish"],
    "ledger": [
        *("401", "429", "500", "500 after", "503", "cut", "die", "late", "slow", "freeze", "rubbish"),
        '{"items":[]}',  # what it answers when its database fails
    ],
    "openai": ["429", "500", "500 after", "cut", "die", "late", "rubbish"],
    "s3": ["500", "503 after", "cut", "die", "late", "rubbish"],
    "discord": ["429", "500", "502 after", "cut", "die", "late", "rubbish"],
}


@define
class Stage:
    """What there is, what has gone wrong so far, and how much is to."""

    conninfo: str
    """Of the database, by a way that is always well."""
    through: str
    """The same by way of the line."""
    folder: Path
    """Of the database."""
    log: Path
    line: UnsteadyLine
    neighbours: Neighbours
    seed: int
    points: tuple[Point, ...]
    """At each of which an instance is to be killed."""
    faults: int
    """How many are wanted in all."""
    least_points: int
    """At how many of the points an instance is to be killed at least."""
    seconds: float
    """After which it ends, whatever is still missing."""
    counted: Counter[str] = field(factory=Counter)
    fired: Counter[Point] = field(factory=Counter)
    told: list[Message] = field(factory=list)
    """What Twitch has sent or is about to."""
    waiting: deque[Point] = field(factory=deque)
    instances: list["Instance"] = field(factory=list)
    _sending: list[asyncio.Task[None]] = field(factory=list)
    _late: list[list[Message]] = field(factory=list)
    _ends_at: float = 0.0
    _sender: BalancedSender = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._sender = BalancedSender(
            connections=16, ports=self.receiving_ports, chance=self.chance("balancer")
        )
        self.instances += [Instance(number, self) for number in range(2)]
        self.waiting += self.chance("points").sample(self.points, len(self.points))

    def chance(self, what: str) -> random.Random:
        """Give the choices of one kind."""
        return random.Random(f"{self.seed} {what}")

    def receiving_ports(self) -> list[int]:
        return [each.port for each in self.instances if each.role != "relay"]

    def is_enough(self) -> bool:
        """Tell whether there were as many faults as wanted, or the time for them is over."""
        is_enough = self.counted.total() >= self.faults and len(self.fired) >= self.least_points
        return is_enough or time.monotonic() > self._ends_at

    # --- what goes wrong, and what goes on ----------------------------------------------------------

    async def play(self) -> None:
        """Let everything go wrong at once until there was enough of it; then all is well again.

        One instance is to be there, for those who watch.
        """
        tasks = [
            *(instance.live() for instance in self.instances),
            self._turn_neighbours(),
            self._trouble_the_line(),
            self._end_the_database(),
            self._tell(),
        ]
        self._ends_at = time.monotonic() + self.seconds
        async with asyncio.TaskGroup() as group:
            for each in tasks:
                group.create_task(each)
        await self._heal()

    async def _pauses(self, what: str, every: float) -> AsyncIterator[random.Random]:
        """Give choices, again and again after a pause, until there was enough."""
        chance = self.chance(what)
        while not self.is_enough():
            await asyncio.sleep(chance.uniform(0.5, 1.5) * every)
            yield chance

    async def _turn_neighbours(self) -> None:
        async for chance in self._pauses("neighbours", 0.7):
            name = chance.choice(list(FAILURES))
            if chance.random() < 0.3:
                await asyncio.to_thread(self.neighbours.trouble, name)
                continue
            failures = FAILURES[name]
            how: dict[str, Any] = {
                "failure": "refuse" if chance.random() < 0.1 else chance.sample(failures, 3),
                "share": chance.uniform(0.2, 0.5),
                "late": chance.uniform(*_LATE_SECONDS),
            }
            await asyncio.to_thread(self.neighbours.trouble, name, **how)
            self.counted[f"{name} fails"] += 1

    async def _trouble_the_line(self) -> None:
        async for chance in self._pauses("line", 0.8):
            match chance.choice(["cut", "slow", "break off", "hold"]):
                case "cut":
                    self.counted["connections to the database are cut"] += bool(self.line.cut())
                case "slow":
                    self.line.delay_seconds = chance.uniform(0.01, 0.1)
                    self.counted["the line to the database is slow"] += 1
                    await asyncio.sleep(1)
                    self.line.delay_seconds = 0.0
                case "break off":
                    self.line.break_off()
                    await until(lambda: self.line.has_broken_off or self.is_enough(), 3600)
                    self.counted["half of what was sent arrives"] += self.line.has_broken_off
                case "hold":
                    self.line.hold()
                    self.counted["the line to the database is silent"] += 1
                    await asyncio.sleep(chance.uniform(0.2, 1.0))
                    self.line.release()

    async def _end_the_database(self) -> None:
        async for chance in self._pauses("database", 4.0):
            how = chance.choice(_ENDS)
            await asyncio.to_thread(postgres.restart, self.folder, how)
            self.counted[f"the database ends by {how.name}"] += 1

    async def _tell(self) -> None:
        """Send what happens, some of it late, and in another order; of some, no other, a copy comes as well.

        For a copy that is sent after its answer would hide that the first was lost.
        """
        number = 0
        chance = self.chance("twitch")
        async for _ in self._pauses("pace of twitch", 0.4):
            if len(self.told) - len(self._sender.answered) > _MOST_UNANSWERED:
                continue
            new = self._happenings(number, chance)
            self.told += new
            put_off = [message for message in new if chance.random() < 0.2]
            self._late.append(put_off)
            again = chance.sample(self.told[::4], min(2, len(self.told[::4])))
            due = self._late.pop(0) if len(self._late) > 3 else []
            sent = [message for message in new if message not in put_off] + again + due
            chance.shuffle(sent)
            self._sending.append(asyncio.create_task(self._sender.deliver(sent)))
            number += 1
        rest = [message for some in self._late for message in some]
        self._sending.append(asyncio.create_task(self._sender.deliver(rest)))

    def _happenings(self, number: int, chance: random.Random) -> list[Message]:
        viewers = [f"Tapehead{self.seed}x{number}x{each}" for each in range(2)]
        new = [deed.message for deed in deeds(viewers, 3, chance)]
        others = messages(evening(3, seed=self.seed * 10_000 + number))
        new += [each for each in others if "hype_train" not in each.body.decode()]
        if number % 8 == 0:
            new.append(online(f"stream-{number}"))
        if number % 8 == 5:
            new.append(offline())
        return new

    # --- afterwards ---------------------------------------------------------------------------------

    async def _heal(self) -> None:
        """Let all be well, at last, and wait until everything that was told is taken."""
        self.line.get_well()
        for name in FAILURES:
            await asyncio.to_thread(self.neighbours.trouble, name)
        for instance in self.instances:
            await instance.get_well()
        await asyncio.gather(*self._sending)

    def end(self) -> None:
        for instance in self.instances:
            instance.kill()


@define
class Instance:
    """An instance that begins again whenever it was killed, and is killed at another point each time."""

    number: int
    stage: Stage
    port: int = field(factory=free_port)
    role: str = "all"
    process: Forked | None = None

    async def live(self) -> None:
        stage, chance = self.stage, self.stage.chance(f"instance {self.number}")
        while not stage.is_enough():
            point = stage.waiting.popleft() if stage.waiting else chance.choice(stage.points)
            self.role = self._role(point.life, chance)
            self.begin(Lot(point, chance.choice([1, 1, 2, 5]), chance.choice(_AHEAD)))
            with suppress(TimeoutError):
                await until(lambda: self.is_gone() or stage.is_enough(), _LIFE_SECONDS)
            if self.is_gone():
                stage.fired[point] += 1
                stage.counted["kill -9 at a named point"] += 1
            else:
                self.kill()
                stage.counted["kill -9 at any moment"] += 1
                stage.waiting.append(point)

    def _role(self, life: Life, chance: random.Random) -> str:
        """Say what it does in its next life: one always receives, and may perform; the other may not."""
        split = "web" if self.number == 0 else "relay"
        is_split = (life is Life.PERFORMING) == (self.number == 1)
        return split if is_split and chance.random() < 0.3 else "all"

    def begin(self, lot: Lot) -> None:
        settings = self.stage.neighbours.settings | {
            "INSTANCE_ROLE": self.role,
            "LEDGER_SETTLE_SECONDS": str(SETTLE_SECONDS),
            "MAX_WAITING_GHOSTS": "none",
            "MAX_GHOSTS_PER_DAY": "none",
        }
        names = environment(self.stage.through, **settings)
        self.kill()
        self.process = begin(lot, ["serve", "--port", str(self.port)], names, self.stage.log)

    def is_gone(self) -> bool:
        """Tell whether it was killed; fails if it has ended in any other way."""
        assert self.process
        code = self.process.poll()
        assert code in {None, -signal.SIGKILL}, f"it has ended by itself: {code}; see {self.stage.log}"
        return code is not None

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    async def get_well(self) -> None:
        """Begin anew, as it should be, and wait until it is ready."""
        self.role = "all"
        self.begin(Lot())
        served = Served(f"http://127.0.0.1:{self.port}")
        assert await asyncio.to_thread(answers, served, "/readyz", lambda: not self.is_gone())
