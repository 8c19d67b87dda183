"""An evening in front of the overlay: chat and alerts come and go, and the page keeps nothing of them.

SHOWTIME_SOAK_MINUTES says how long, two at least; an hour by default. Each minute's counts are logged
(`-o log_cli=true -o log_cli_level=info`).
"""

import logging
import os
import time
from itertools import cycle, islice

from integration import test_overlay as short
from support.following import await_some
from support.twitch import CHANNEL, cheer, follow, message, viewer

stage = short.stage
show = short.show
_log = logging.getLogger(__name__)

MINUTES = int(os.environ.get("SHOWTIME_SOAK_MINUTES", "60"))
ALERTS_A_MINUTE = 6
SECONDS_AN_ALERT = 60 / ALERTS_A_MINUTE
LINES_A_SECOND = 4
PLAYED_SECONDS = 5
KINDS = ("follow", "cheer", "subscribe", "gift-sub", "raid", "hype-train", "generated-images")
MOST_BYTES = 300_000
"""Of growth after the first minutes: in an hour 40 bytes a line of chat, or 1,500 an alert, would be more."""
MOST_NODES = 50
MOST_LISTENERS = 5


def subscribed(name):
    """Tell of a resubscription."""
    event = viewer(name) | CHANNEL | {"tier": "1000", "cumulative_months": 14, "duration_months": 1}
    words = {"text": "still here", "emotes": []}
    return message("channel.subscription.message", event | {"streak_months": None, "message": words})


def gifted(name):
    """Tell of fifty gifts: the largest shelf."""
    event = viewer(name) | CHANNEL | {"total": 50, "tier": "1000", "cumulative_total": 50}
    return message("channel.subscription.gift", event | {"is_anonymous": False})


def raided(name):
    """Tell of a raid with more heads than are drawn."""
    who = {f"from_broadcaster_{key}": value for key, value in viewer(name).items()}
    to = {f"to_{key}": value for key, value in CHANNEL.items()}
    return message("channel.raid", who | to | {"viewers": 300})


def departed(name):
    """Tell of a hype train that goes on for five minutes: from the first to the end, one is counted."""
    return short.train(name, "begin", 2, 500, left=300)


def alerts():
    """Tell of one kind after the other, without end."""
    for number, make in enumerate(cycle([departed, follow, cheer, subscribed, gifted, raided])):
        yield make(f"Viewer{number}")


def sample(chrome):
    """Count what the page holds, after all garbage was collected."""
    for _ in range(3):
        chrome.execute_cdp_cmd("HeapProfiler.collectGarbage", {})
    counts = chrome.execute_cdp_cmd("Memory.getDOMCounters", {})
    heap = chrome.execute_cdp_cmd("Runtime.getHeapUsage", {})["usedSize"]
    return heap, counts["nodes"], counts["jsEventListeners"]


def play_a_minute(show, told, minute):
    """Have alerts played while people talk: by so many messages, however long this machine takes for them."""
    for number, alert in enumerate(islice(told, ALERTS_A_MINUTE)):
        begun = time.monotonic()
        show.tell(alert)
        for second in range(int(SECONDS_AN_ALERT)):
            texts = [f"{minute}-{number}-{second}-{line} of chat" for line in range(LINES_A_SECOND)]
            show.tell(*map(short.chat_message, texts))
            time.sleep(max(0.0, begun + second + 1 - time.monotonic()))
    await_some(lambda: texts[-1] in show.text("chat"))
    await_some(lambda: len(show.shown()) == (minute + 1) * ALERTS_A_MINUTE, 120)
    await_some(lambda: show.text() == "")


def test_an_hour_leaves_the_page_as_it_was(show):
    """However many alerts were played and lines said, heap, nodes and listeners stay what they were."""
    for kind in KINDS:
        show.host("PUT", f"/admin/show/rules/{kind}", json={"seconds": PLAYED_SECONDS})
    told, samples = alerts(), []
    for minute in range(MINUTES):
        play_a_minute(show, told, minute)
        samples.append(sample(show.chrome))
        _log.info("minute %s: %s bytes, %s nodes, %s listeners", minute + 1, *samples[-1])
    few = max(1, MINUTES // 6)
    early = [max(counts) for counts in zip(*samples[1 : 1 + few], strict=True)]
    late = [min(counts) for counts in zip(*samples[-few:], strict=True)]
    heap, nodes, listeners = (after - before for before, after in zip(early, late, strict=True))
    assert heap < MOST_BYTES
    assert nodes < MOST_NODES
    assert listeners < MOST_LISTENERS
