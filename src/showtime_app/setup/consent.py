"""Asking the broadcaster for consent: in the browser here, or with a code on any device."""

import asyncio
import threading
import webbrowser
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any

from showtime_app.setup.browser import PORT, REDIRECT_URI, ConsentVisit, Say, await_browser
from showtime_core.domain.subscriptions import DeviceCode
from showtime_core.errors import NotAllowed, Refused, ShowtimeError
from showtime_core.ports import Consent

_MAX_WAIT_SECONDS = 600.0


async def ask(consent: Consent, say: Say, *, has_browser: bool) -> None:
    """Ask, and wait until the consent is there.

    Raises NotAllowed if it is not given, Refused where there is no way to ask, Unavailable.
    """
    async with AsyncExitStack() as stack:
        ways: list[Coroutine[Any, Any, None]] = []
        try:
            consent_visit = await stack.enter_async_context(
                await_browser(lambda code: consent.confirm(code, REDIRECT_URI), say=say)
            )
            ways.append(_in_the_browser(consent, consent_visit, say, has_browser=has_browser))
        except OSError as reason:
            if has_browser:
                raise Refused(
                    f"the browser comes back to {REDIRECT_URI}, but port {PORT} is taken"
                    f" ({reason.strerror}): stop what runs there, or use --no-browser"
                ) from reason
        if not has_browser and (device := await _device(consent)):
            ways.append(_on_any_device(consent, device, say))
        if not ways:
            raise Refused(f"there is no way to ask: free port {PORT}, or use a machine with a browser")
        await _first_of(ways, say)
    say("the consent is there")


async def _device(consent: Consent) -> DeviceCode | None:
    try:
        return await consent.start_device_flow()
    except Refused:  # it is not meant for every application
        return None


async def _in_the_browser(
    consent: Consent, consent_visit: ConsentVisit, say: Say, *, has_browser: bool
) -> None:
    address = consent.authorization_url(consent_visit.state, REDIRECT_URI)
    if has_browser:
        say(f"asking for consent in the browser; should none open, open this:\n\n  {address}\n")
        # Some stay in front until they are closed: nothing waits for that.
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    else:
        say(
            f"open this in a browser that reaches port {PORT} of this machine as localhost"
            f" (ssh -L {PORT}:localhost:{PORT}):\n\n  {address}\n"
        )
    await consent_visit.outcome


async def _on_any_device(consent: Consent, device: DeviceCode, say: Say) -> None:
    say(f"or, in any browser, open this and type in {device.user_code}:\n\n  {device.verification_url}\n")
    await consent.await_device(device, asyncio.sleep)


async def _first_of(ways: list[Coroutine[Any, Any, None]], say: Say) -> None:
    """Take the first way that leads to a consent; a no is a no, but a way that is barred leaves others."""
    waiting_for = [asyncio.create_task(way) for way in ways]
    failure: ShowtimeError | None = None
    try:
        async with asyncio.timeout(_MAX_WAIT_SECONDS):
            for ended, next_end in enumerate(asyncio.as_completed(waiting_for), 1):
                try:
                    return await next_end
                except NotAllowed:
                    raise
                except ShowtimeError as reason:
                    failure = reason
                    if ended < len(ways):
                        say(f"{reason}; there is another way")
    except TimeoutError:
        raise NotAllowed(f"nobody has consented for {_MAX_WAIT_SECONDS / 60:.0f} minutes") from None
    finally:
        for task in waiting_for:
            task.cancel()
        await asyncio.gather(*waiting_for, return_exceptions=True)
    assert failure  # of the last way
    raise failure
