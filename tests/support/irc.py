"""Twitch's IRC, as far as a reader meets it: over TLS, with a script for what it says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from attrs import define, field

from support.certificates import Certificate
from support.following import until

CHANNEL = "goldenvcr"
_WELCOME = (
    ":tmi.twitch.tv CAP * ACK :twitch.tv/tags twitch.tv/commands\r\n"
    ":tmi.twitch.tv 001 {nick} :Welcome, GLHF!\r\n"
    ":tmi.twitch.tv 376 {nick} :>\r\n"
)
_JOINED = (
    ":{nick}!{nick}@{nick}.tmi.twitch.tv JOIN #{channel}\r\n"
    ":{nick}.tmi.twitch.tv 366 {nick} #{channel} :End of /NAMES list\r\n"
    "@room-id=953753877;slow=0 :tmi.twitch.tv ROOMSTATE #{channel}\r\n"
)


def privmsg(message_id: str, text: str, name: str = "Vera", **tags: str) -> bytes:
    """Write a chat message as Twitch does; the user's id follows from the name."""
    login = name.lower()
    tags = {"id": message_id, "display-name": name, "user-id": f"id-of-{login}", "color": "", **tags}
    head = ";".join(f"{key.replace('_', '-')}={value}" for key, value in tags.items())
    return f"@{head} :{login}!{login}@{login}.tmi.twitch.tv PRIVMSG #{CHANNEL} :{text}\r\n".encode()


@define(eq=False)
class Connection:
    """One reader that has come."""

    writer: asyncio.StreamWriter
    lines: list[str] = field(factory=list)
    """What it has said."""
    is_joined: bool = False

    @property
    def is_open(self) -> bool:
        return not self.writer.is_closing()

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        with suppress(OSError):
            await self.writer.drain()


@define
class IrcServer:
    """The server; what it sends goes to whoever has joined."""

    port: int = 0
    lets_join: bool = True
    connections: list[Connection] = field(factory=list)

    @property
    def url(self) -> str:
        return f"ircs://localhost:{self.port}"

    @property
    def joined(self) -> list[Connection]:
        return [each for each in self.connections if each.is_joined and each.is_open]

    async def until_joined(self, count: int = 1, seconds: float = 30.0) -> None:
        """Wait until so many readers have joined in all, and one is there."""
        await until(
            lambda: sum(each.is_joined for each in self.connections) >= count and self.joined, seconds
        )

    async def send(self, raw: bytes) -> None:
        for each in self.joined:
            await each.say(raw)

    def kill(self) -> None:
        """End all connections as a broken line does."""
        for each in self.connections:
            each.writer.transport.abort()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(writer)
        self.connections.append(connection)
        with suppress(OSError):
            while line := (await reader.readline()).decode().rstrip():
                connection.lines.append(line)
                self._answer(connection, line)
        writer.transport.abort()

    def _answer(self, connection: Connection, line: str) -> None:
        command, _, rest = line.partition(" ")
        if command == "NICK":
            connection.writer.write(_WELCOME.format(nick=rest.lstrip(":")).encode())
        elif command == "JOIN" and self.lets_join:
            nick = next(said for said in connection.lines if said.startswith("NICK")).partition(" ")[2]
            joined = _JOINED.format(nick=nick.lstrip(":"), channel=rest.lstrip(":#"))
            connection.writer.write(joined.encode())
            connection.is_joined = True


@asynccontextmanager
async def irc(certificate: Certificate) -> AsyncIterator[IrcServer]:
    """Run a server for a while."""
    server = IrcServer()
    listener = await asyncio.start_server(server.serve, "localhost", 0, ssl=certificate.server)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        server.kill()
        await asyncio.sleep(0)
