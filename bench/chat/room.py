"""The IRC server of the tests, over TLS, in a process of its own.

    PYTHONPATH=tests python bench/chat/room.py FOLDER

prints what showtime has to be told of it, as one line of JSON. For each line that it reads, how many messages
a second (0: as many as are taken) and how many in all, it sends them, and prints how many seconds that took.
It ends with its standard input.
"""

import asyncio
import json
import sys
import time
from pathlib import Path

from support.certificates import make_certificate
from support.irc import IrcServer, irc, privmsg

TEXT = "be kind, rewind, and say when you are done"
_AT_ONCE = 50


async def main() -> None:
    """Run it."""
    certificate = make_certificate(Path(sys.argv[1]))
    async with irc(certificate) as server:
        _say({"TWITCH_IRC_URL": server.url, "TWITCH_CA_FILE": str(certificate.file)})
        while line := await asyncio.to_thread(sys.stdin.readline):
            rate, count = map(int, line.split())
            await server.until_joined()
            _say(await _send(server, rate, count))


async def _send(server: IrcServer, rate: int, count: int) -> float:
    """Send messages whose ids are the moments at which they were sent, in nanoseconds."""
    began = time.monotonic()
    for first in range(0, count, _AT_ONCE):
        stamp = str(time.time_ns() // 1_000_000)
        lines = (privmsg(str(time.monotonic_ns()), TEXT, tmi_sent_ts=stamp) for _ in range(_AT_ONCE))
        await server.send(b"".join(lines))
        if rate:
            await asyncio.sleep(max(began + first / rate - time.monotonic(), 0.0))
    return time.monotonic() - began


def _say(something: object) -> None:
    sys.stdout.write(json.dumps(something) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
