"""(c) pyTwitchAPI's EventSubWebhook, with a handler that counts; its subscription is made with a stub."""

import asyncio

from aiohttp import web
from twitchAPI.eventsub.webhook import EventSubWebhook
from twitchAPI.object.eventsub import ChannelCheerEvent
from twitchAPI.twitch import Twitch

from callback.messages import BROADCASTER_ID, SECRET, SUBSCRIPTION_ID
from callback.servers.process import port, say, until_told_to_stop

_handled = 0


async def _on_cheer(_: ChannelCheerEvent) -> None:
    global _handled  # noqa: PLW0603 - the whole purpose
    _handled += 1


async def _give_token(_: web.Request) -> web.Response:
    return web.json_response({"access_token": "stub", "expires_in": 3600, "token_type": "bearer"})


async def _validate_token(_: web.Request) -> web.Response:
    return web.json_response({"client_id": "client", "expires_in": 3600})


async def _subscribe(_: web.Request) -> web.Response:
    return web.json_response({"data": [{"id": SUBSCRIPTION_ID}]}, status=202)


async def _run() -> None:
    stub = web.Application()
    stub.add_routes(
        [
            web.post("/token", _give_token),
            web.get("/validate", _validate_token),
            web.post("/eventsub/subscriptions", _subscribe),
        ]
    )
    runner = web.AppRunner(stub)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/"

    twitch = await Twitch("client", "secret", base_url=url, auth_base_url=url)
    hook = EventSubWebhook("https://example.com", port(), twitch, host_binding="127.0.0.1")
    hook.secret = SECRET
    hook.wait_for_subscription_confirm = hook.unsubscribe_on_stop = False
    hook.start()  # type: ignore[no-untyped-call]
    await hook.listen_channel_cheer(BROADCASTER_ID, _on_cheer)
    await until_told_to_stop()
    await hook.stop()  # type: ignore[no-untyped-call]
    await twitch.close()
    await runner.cleanup()
    say(f"handled {_handled}")


if __name__ == "__main__":
    asyncio.run(_run())
