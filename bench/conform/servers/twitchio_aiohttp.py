"""TwitchIO's webhook in its default adapter."""

import asyncio

import twitchio
from callback.messages import SECRET
from callback.servers.process import port, until_told_to_stop
from twitchio import web

from conform.servers.handled import write_down


class _Client(twitchio.Client):
    async def event_follow(self, payload: twitchio.ChannelFollow) -> None:
        write_down(payload.headers and payload.headers.message_id)

    async def event_cheer(self, payload: twitchio.ChannelCheer) -> None:
        write_down(payload.headers and payload.headers.message_id)


async def _run() -> None:
    adapter: web.AiohttpAdapter[_Client] = web.AiohttpAdapter(
        host="127.0.0.1", port=port(), eventsub_secret=SECRET
    )
    client = _Client(client_id="client", client_secret="secret", bot_id="1", adapter=adapter)
    await adapter.run()
    await until_told_to_stop()
    await client.close()


if __name__ == "__main__":
    asyncio.run(_run())
