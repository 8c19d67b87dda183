"""(c) TwitchIO's webhook in its default adapter, with a handler that counts."""

import asyncio

import twitchio
from twitchio import web

from callback.messages import SECRET
from callback.servers.process import port, say, until_told_to_stop


class _Client(twitchio.Client):
    handled = 0

    async def event_cheer(self, _: twitchio.ChannelCheer) -> None:
        self.handled += 1


async def _run() -> None:
    adapter: web.AiohttpAdapter[_Client] = web.AiohttpAdapter(
        host="127.0.0.1", port=port(), eventsub_secret=SECRET
    )
    client = _Client(client_id="client", client_secret="secret", bot_id="1", adapter=adapter)
    await adapter.run()
    await until_told_to_stop()
    await adapter.close()
    say(f"handled {client.handled}")


if __name__ == "__main__":
    asyncio.run(_run())
