"""pyTwitchAPI's EventSubWebhook, with its subscriptions made at a stub of Twitch."""

import asyncio
import uuid

from aiohttp import web
from callback.messages import SECRET
from callback.servers.process import port, until_told_to_stop
from twitchAPI.eventsub.webhook import EventSubWebhook
from twitchAPI.object.eventsub import ChannelCheerEvent, ChannelFollowEvent
from twitchAPI.twitch import Twitch

from conform.servers.handled import write_down

_BROADCASTER_ID = "953753877"


async def _on_event(event: ChannelCheerEvent | ChannelFollowEvent) -> None:
    write_down(event.metadata.message_id)


async def _give_token(_: web.Request) -> web.Response:
    return web.json_response({"access_token": "stub", "expires_in": 3600, "token_type": "bearer"})


async def _validate_token(_: web.Request) -> web.Response:
    return web.json_response({"client_id": "client", "expires_in": 3600})


async def _subscribe(request: web.Request) -> web.Response:
    wanted = await request.json()
    id_by_type = str(uuid.uuid5(uuid.NAMESPACE_URL, wanted["type"]))  # as `showtime conform` names them
    return web.json_response({"data": [{"id": id_by_type}]}, status=202)


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
    await hook.listen_channel_follow_v2(_BROADCASTER_ID, _BROADCASTER_ID, _on_event)
    await hook.listen_channel_cheer(_BROADCASTER_ID, _on_event)
    await until_told_to_stop()
    await hook.stop()  # type: ignore[no-untyped-call]
    await twitch.close()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(_run())
