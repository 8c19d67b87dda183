"""The pages, in a real browser: what they say, to whom they are open, and that nothing flashes."""

import base64
import json

import httpx
import pytest

from support import shared
from support.axe import axe_script, violations
from support.flashes import moments, read_frame, worst_share

database = shared.database
server = shared.server

HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
KINDS = {
    "follow": ({"username": "VHSVera"}, ["VHSVera", "is new here"]),
    "cheer": (
        {"username": "LateFeeLarry", "numBits": 1200, "message": "keep\nit"},
        ["LateFeeLarry", "1,200", "BITS", "keep"],
    ),
    "power-up": (
        {"username": "Tom", "numBits": 30, "message": "hey", "powerUp": True},
        ["POWER-UP", "Tom", "30 bits", "hey"],
    ),
    "subscribe": (
        {"username": "RewindRita", "isGift": False, "numCumulativeMonths": 14, "message": "Still here"},
        ["RewindRita", "14", "months", "Still here"],
    ),
    "gift-sub": (
        {"username": "Pete", "numSubscriptions": 50},
        ["Pete", "50", "gift subs", "STOCKS THE WHOLE SHELF"],
    ),
    "raid": (
        {"username": "BetaMaxine", "numViewers": 300},
        ["BetaMaxine", "brings 300 people in", "and 220 more"],
    ),
    "hype-train": ({"level": 3}, ["HYPE TRAIN", "LEVEL 3"]),
    "watch-streak": (
        {"username": "Rita", "numConsecutiveStreams": 5, "message": ""},
        ["WATCH STREAK", "Rita", "5 nights in a row"],
    ),
    "generated-images": (
        {"username": "VHSVera", "description": "a walrus", "urls": ["pages/demo-ghost.svg"]},
        ["a walrus", "for VHSVera"],
    ),
}


PATHS = ("/", "/ghosts", "/ghosts?ghost=nobody", "/overlay?demo=1", "/overlay")
PHONE, DESK = 360, 1280


def type_of(kind):
    """Name the alert that a kind is told as: a Power-up is a cheer, for bits are bits."""
    return "cheer" if kind == "power-up" else kind


LIKE_NO_OTHER = ("cheer", "hype-train", "generated-images")
"""Kinds that move in a way of their own; `tests/soak` looks at all of them."""
DRAW = """
    const [alert, done] = arguments;
    import("./pages/alerts.js").then(({ draw }) => {
      const element = draw(alert);
      document.getElementById("stage").replaceChildren(element);
      done({ text: element.innerText, elements: element.querySelectorAll("script, [onerror]").length });
    });
"""
PLAY = """
    const [alert, milliseconds, done] = arguments;
    const modules = [import("./pages/alerts.js"), import("./pages/motion.js"), document.fonts.ready];
    Promise.all(modules).then(async ([{ draw }, motion]) => {
      const $ = (id) => document.getElementById(id);
      const element = draw(alert);
      const isGhost = alert.type === "generated-images";
      const others = [$("chat"), $("tape"), $("train")];
      if (isGhost) motion.materialise(element, $("ghost"), $("dim"), milliseconds, 0, others);
      else motion.reveal(element, $("alert"), milliseconds, 0);
      await Promise.all([...document.images].map((image) => image.decode()));
      for (const move of document.getAnimations()) move.pause();
      done(document.getAnimations().length);
    });
"""
AT = """
    const [time, done] = arguments;
    for (const move of document.getAnimations()) move.currentTime = time;
    requestAnimationFrame(() => requestAnimationFrame(done));
"""


def look_at(chrome, url, width=960, height=540):
    """Open a page at this size: the smaller, the less is painted."""
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.get(url)


def test_an_alert_says_what_happened(chrome, server):
    """Each kind of alert has its own words, its numbers as people write them, and what the viewer wrote."""
    look_at(chrome, f"{server.url}/overlay")
    for kind, (data, words) in KINDS.items():
        drawn = chrome.execute_async_script(DRAW, {"type": type_of(kind), "data": data, "more": 0})
        assert [word for word in words if word not in drawn["text"]] == [], kind


def test_joined_alerts_name_the_first_and_count_the_others(chrome, server):
    """An alert that stands for others as well names one viewer, and says how many more there are."""
    look_at(chrome, f"{server.url}/overlay")
    drawn = chrome.execute_async_script(DRAW, {"type": "follow", "data": {"username": "VHSVera"}, "more": 34})
    assert "VHSVera" in drawn["text"]
    assert "and 34 more are new here" in drawn["text"]


def test_what_a_viewer_typed_is_text(chrome, server):
    """Markup in any field that a viewer can fill is shown as it was typed, and does nothing."""
    look_at(chrome, f"{server.url}/overlay")
    for kind, (data, _) in KINDS.items():
        hostile = {name: HOSTILE if isinstance(value, str) else value for name, value in data.items()}
        drawn = chrome.execute_async_script(DRAW, {"type": type_of(kind), "data": hostile, "more": 0})
        assert drawn["elements"] == 0, kind
        assert chrome.execute_script("return window.hacked") is None, kind
        assert ("<script>" in drawn["text"]) == any(isinstance(value, str) for value in data.values()), kind


def test_chat_is_text_and_what_is_taken_away_is_gone(chrome, server):
    """A line of chat is text but for its emotes; a deletion takes its line away at once."""
    look_at(chrome, f"{server.url}/overlay")
    message = {
        "id": HOSTILE,
        "username": HOSTILE,
        "color": HOSTILE,
        "text": f"$$5 $0 {HOSTILE}",
        "emotes": [{"name": "Kappa", "url": "https://x.invalid/k"}],
    }
    told = chrome.execute_async_script(
        """
        const [message, done] = arguments;
        import("./pages/chat.js").then(({ Chat }) => {
          const list = document.getElementById("chat");
          const chat = new Chat(list);
          chat.take({ type: "message", message });
          new MutationObserver(() => {
            const images = [...list.querySelectorAll("img")].map((image) => image.alt);
            const scripts = list.querySelectorAll("script, [onerror]").length;
            const line = { text: list.innerText, images, scripts };
            chat.take({ type: "deletion", deletion: { messageIds: [message.id] } });
            done({ ...line, left: list.children.length });
          }).observe(list, { childList: true });
        });
        """,
        message,
    )
    assert "$5" in told["text"]
    assert HOSTILE in told["text"]
    assert (told["images"], told["scripts"], told["left"]) == (["Kappa"], 0, 0)
    assert chrome.execute_script("return window.hacked") is None


@pytest.mark.parametrize("kind", LIKE_NO_OTHER)
def test_nothing_flashes(chrome, server, kind, scale):
    """No quarter of any 341 by 256 pixels flashes more than three times a second, over light video too."""
    assert_nothing_flashes(chrome, server, kind, scale.frame_rate)


def assert_nothing_flashes(chrome, server, kind, frame_rate):
    look_at(chrome, f"{server.url}/overlay", 1024, 576)
    chrome.execute_script("document.body.style.background = '#d8d8d8'")
    data, _ = KINDS[kind]
    milliseconds = 5000
    comes = 2700 if kind == "generated-images" else 900
    assert chrome.execute_async_script(PLAY, {"type": type_of(kind), "data": data, "more": 0}, milliseconds)
    frames = []
    for time in moments(milliseconds, [(0, comes), (milliseconds - 400, milliseconds)], frame_rate):
        chrome.execute_async_script(AT, time)
        taken = chrome.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "optimizeForSpeed": True})
        frames.append((time / 1000, *read_frame(base64.b64decode(taken["data"]))))
    assert worst_share(frames) < 0.25


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_played_in_half_a_second(chrome, server, kind):
    """The shortest showing that a rule allows is played as any other is."""
    look_at(chrome, f"{server.url}/overlay")
    data, _ = KINDS[kind]
    assert chrome.execute_async_script(PLAY, {"type": type_of(kind), "data": data, "more": 0}, 500)


def test_a_ghost_is_alone(chrome, server):
    """While a ghost is there, chat, tape and counter are not seen; when it has gone, they are."""
    look_at(chrome, f"{server.url}/overlay")
    data, _ = KINDS["generated-images"]
    chrome.execute_async_script(PLAY, {"type": "generated-images", "data": data, "more": 0}, 5000)
    seen = """
        const others = ["chat", "tape", "train"].map((id) => document.getElementById(id));
        return others.map((each) => Number(getComputedStyle(each).opacity));
    """
    found = []
    for time in (0, 2500, 5001):
        chrome.execute_async_script(AT, time)
        found.append(chrome.execute_script(seen))
    assert found == [[1, 1, 1], [0, 0, 0], [1, 1, 1]]


def test_what_flashes_is_found():
    """A quarter of a window that goes from black to white and back four times a second is found."""
    import io  # noqa: PLC0415

    from PIL import Image, ImageDraw  # noqa: PLC0415 - for this alone

    frames = []
    for number in range(16):
        picture = Image.new("RGB", (1024, 576), "black")
        if number % 2:
            ImageDraw.Draw(picture).rectangle((0, 0, 341, 256), fill="white")
        with io.BytesIO() as file:
            picture.save(file, "PNG")
            frames.append((number / 16, *read_frame(file.getvalue())))
    assert worst_share(frames) > 0.9


@pytest.mark.parametrize("path", PATHS)
def test_pages_are_open_to_everybody(chrome, server, path):
    """Axe finds nothing on any page, on a phone, and nothing must be scrolled sideways."""
    assert_is_open(chrome, server, path, PHONE)  # and at a desk in tests/soak


def assert_is_open(chrome, server, path, width):
    look_at(chrome, f"{server.url}{path}", width, 800)
    chrome.execute_async_script("document.fonts.ready.then(() => setTimeout(arguments[0], 300))")
    assert violations(chrome, axe_script()) == {}
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= width


def test_pages_load_nothing_from_elsewhere(chrome, server):
    """A page loads from where it stands, and from nowhere else: it works without the internet."""
    for path in ("/", "/ghosts", "/overlay?demo=1"):
        look_at(chrome, f"{server.url}{path}")
        loaded = chrome.execute_script(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        )
        assert loaded, path
        assert [url for url in loaded if not url.startswith(server.url)] == []


def test_the_root_is_a_page_for_browsers_alone(server):
    """A browser gets the page of the house at the root, everybody else what they always got."""
    page = httpx.get(server.url, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    data = httpx.get(server.url)
    assert page.headers["content-type"].startswith("text/html")
    assert json.loads(data.text) == {
        "isReady": True,
        "message": httpx.get(f"{server.url}/status").json()["message"],
    }
    assert {page.headers["vary"].lower(), data.headers["vary"].lower()} == {"accept"}


@pytest.mark.parametrize(
    "path", ["../config.py", "%2e%2e/config.py", "fonts", "nothing.css", "/etc/passwd", ""]
)
def test_only_files_of_pages_are_given(server, path):
    """What is no file of the pages is not found, however it is written."""
    assert httpx.get(f"{server.url}/pages/{path}").status_code == 404


def test_files_are_kept_until_they_change(server):
    """A file that a browser has is not sent again: 304."""
    first = httpx.get(f"{server.url}/pages/look.css")
    again = httpx.get(f"{server.url}/pages/look.css", headers={"if-none-match": first.headers["etag"]})
    assert (first.status_code, again.status_code) == (200, 304)
