"""The ways into the console and out of it, and what a laptop tells before the show, in a real browser."""

import asyncio
from contextlib import ExitStack, suppress
from functools import partial

import httpx
import pytest
from attrs import define
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.by import By

from showtime_app import composition
from showtime_app.dev_file import DevFile
from support import shared
from support.axe import axe_script, violations
from support.following import await_some
from support.in_process import running_here
from support.openai_service import API_KEY, OpenAIService
from support.server import free_port, rows

database = shared.database
DOCK, PHONE, DESK = 360, 390, 1280
OUTSIDE = "return !document.body.classList.contains('inside')"
WORDS = "return document.querySelector('main').innerText"
LIGHTS = """
    return [...document.querySelectorAll('.link')].map((each) => {
      const light = each.querySelector('.light'), word = each.querySelector('em');
      const shape = light.querySelector('.shape')?.getAttribute('d') ?? light.firstChild.getAttribute('stroke-dasharray');
      return { shape, spoken: light.getAttribute('aria-label'), seen: word?.innerText.trim() ?? '', said: each.querySelector('p').innerText };
    });
"""  # noqa: E501 - a line of JavaScript
SPOKEN = {"ok": "fine", "warning": "not sure", "failed": "down", "unknown": "unknown"}
SEEN = {"ok": "", "warning": "not sure", "failed": "is down", "unknown": "unknown"}
HTTP_ALONE = "Object.defineProperty(navigator, 'clipboard', { value: undefined, configurable: true })"
COPIED = """
    const { get } = Object.getOwnPropertyDescriptor(Navigator.prototype, "clipboard");
    return get.call(navigator).readText();
"""
"""Reads the clipboard, which the page itself may have lost."""
SIMULATE = """
    const headers = { "Content-Type": "application/json" };
    const body = JSON.stringify({ event: arguments[0], options: {} });
    fetch("local/simulate", { method: "POST", headers, body });
"""

# What may be pressed and is smaller than a finger; a box is as large as it and its label, and a link for the
# keyboard alone is seen when it has the focus.
SMALL = """
    const seen = [...document.querySelectorAll("a, button, input, select, textarea")].filter((each) =>
      each.checkVisibility() && !each.matches(".skip-link:not(:focus)"));
    return seen.map((each) => [each.outerHTML.slice(0, 90), [each, ...each.labels ?? []].map((part) => part.getBoundingClientRect())])
      .filter(([, parts]) => !parts.some(({ width, height }) => Math.min(width, height) > 43.99)).map(([what]) => what);
"""  # noqa: E501 - lines of JavaScript

# Counts how often it is asked who is signed in, how often at once, and how much is refused.
COUNT = """
    {
      const { fetch } = window, asked = window.asked = { session: 0, now: 0, most: 0, refused: 0 };
      window.fetch = async (url, how) => {
        const isSession = new URL(url, location.href).pathname === "/session";
        if (isSession) { asked.session += 1; asked.now += 1; asked.most = Math.max(asked.most, asked.now); }
        const answer = await fetch(url, how);
        if (isSession) asked.now -= 1;
        if (answer.status === 401) asked.refused += 1;
        return answer;
      };
    }
"""

# Turns the clock of this page on; by the date in an answer it would find out.
LATER = """
    const [more] = arguments, { now } = Date, { fetch } = window;
    Date.now = () => now() + more;
    window.fetch = async (...asked) => {
      const { body, status } = await fetch(...asked);
      return new Response(body, { status });
    };
"""


@define
class Laptop:
    """A channel as `showtime dev` serves it, and a browser."""

    chrome: object
    conninfo: str
    url: str

    def run(self, script, *values):
        return self.chrome.execute_script(script, *values)

    def size(self, width):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, behind="", width=PHONE):
        self.size(width)
        self.chrome.get("about:blank")
        self.chrome.get(f"{self.url}/console{behind}")

    def press(self, key):
        """Press the key of this name, as soon as it may be pressed."""
        await_some(lambda: self.chrome.find_elements(By.CSS_SELECTOR, f'[data-key="{key}"]:not(:disabled)'))
        self.run("document.querySelector(`[data-key='${arguments[0]}']`).click()", key)

    def click(self, selector):
        """Click as a person does, for what a script presses may copy nothing; tells whether it is there."""
        with suppress(StaleElementReferenceException):  # it was drawn anew meanwhile
            for element in self.chrome.find_elements(By.CSS_SELECTOR, selector):
                element.click()
                return True
        return False

    def says(self, words):
        await_some(lambda: words in self.run(WORDS))

    def come_in(self, behind="", width=PHONE):
        self.open(behind, width)
        self.press("enter")
        await_some(lambda: not self.run(OUTSIDE))

    def send_along(self, headers):
        self.chrome.execute_cdp_cmd("Network.enable", {})
        self.chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": headers})

    def keep_code(self, code):
        asyncio.run(composition.keep_pairing_code(self.conninfo, code))


@pytest.fixture(scope="module")
def served(database, chrome, tmp_path_factory):
    """Serve a laptop whose webhook at Discord is away, and whose OpenAI answers."""
    folder, port = tmp_path_factory.mktemp("laptop"), free_port()
    note = DevFile(f"http://127.0.0.1:{port}", "rewind-before-returning", "a-secret-for-tokens-of-our-own")
    with ExitStack() as stack:
        openai = stack.enter_context(OpenAIService())
        settings = {
            "DISCORD_GHOSTS_WEBHOOK_URL": f"http://127.0.0.1:{free_port()}/api/webhooks/1/gone",
            "OPENAI_API_KEY": API_KEY,
            "OPENAI_BASE_URL": f"{openai.url}/v1",
        }
        make = partial(composition.dev, conninfo=database, dev_file=note, data_dir=folder)
        server = stack.enter_context(running_here(database, settings, port=port, build=make))
        yield Laptop(chrome, database, server.url)
        chrome.get("about:blank")


@pytest.fixture
def laptop(served):
    """Give a browser that nobody is signed in with."""
    served.open()
    served.chrome.delete_all_cookies()
    return served


def test_a_phone_is_paired_by_the_address_that_it_scans(laptop):
    """The address that `dev --lan` prints signs in by one key, and its code is gone from it then."""
    laptop.keep_code("a-code-that-is-good-once")
    laptop.open("#pair=a-code-that-is-good-once")
    laptop.press("pair")
    await_some(lambda: not laptop.run(OUTSIDE))
    await_some(lambda: laptop.run("return location.href") == f"{laptop.url}/console")
    laptop.says("On the screen".upper())


@pytest.mark.parametrize("is_known", [False, True], ids=["guessed", "expired"])
def test_a_code_that_is_not_accepted_says_what_to_do(laptop, is_known):
    """A code that was guessed, or is older than ten minutes, opens nothing: it is told how to get another."""
    if is_known:
        laptop.keep_code("a-code-of-a-while-ago")
        rows(laptop.conninfo, "update showtime.one_time_code set expires_at = clock_timestamp() returning 1")
    laptop.open("#pair=a-code-of-a-while-ago")
    laptop.press("pair")
    laptop.says("start `showtime dev --lan` again, and scan the new one")
    assert laptop.run(OUTSIDE)


def test_one_may_come_in_again_however_often_one_leaves(laptop):
    """Each time after signing out the door is there, and each time after coming in what was open before."""
    laptop.come_in("#rules")
    for _ in range(2):
        await_some(lambda: laptop.run("return document.querySelectorAll('.rule').length > 5"))
        laptop.press("sign-out")
        laptop.says("Staff only.")
        assert "session has ended" not in laptop.run(WORDS), "one knows what one did"
        laptop.press("enter")


@pytest.mark.parametrize("place", ["", "#address"])
def test_a_session_that_ends_while_the_page_is_open_is_told(laptop, place):
    """When the session is withdrawn the page shows nothing of the show, says why, and lets in again."""
    laptop.come_in(place)
    await_some(lambda: laptop.run("return document.querySelector('#keys button') !== null"))
    rows(laptop.conninfo, "delete from showtime.session returning 1")
    laptop.says("Your session has ended")
    assert laptop.run(
        "return document.getElementById('show').hidden && document.getElementById('menu').hidden"
    )
    assert not laptop.run("return document.getElementById('keys').checkVisibility()")
    assert_open(laptop, PHONE)
    laptop.press("enter")
    laptop.says("THOSE THAT HOLD" if place else "ON THE SCREEN")


def test_a_page_that_is_refused_asks_who_is_signed_in_once_for_all(laptop):
    """Where all is refused but who is signed in, the page looks again: once, however much was refused."""
    laptop.come_in()
    hook = laptop.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": COUNT})
    laptop.send_along({"Authorization": "Bearer of-nobody"})
    try:
        laptop.open()
        await_some(lambda: laptop.run("return window.asked.session >= 3 && window.asked.refused >= 6"))
        assert laptop.run("return window.asked.most") <= 2
    finally:
        laptop.chrome.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", hook)
        laptop.send_along({})


def test_each_light_tells_by_its_shape_and_by_a_word(laptop):
    """Before the show each link's light differs in shape and word; green that is a minute old is unknown."""
    laptop.come_in("#before", width=DESK)
    before = await_some(lambda: known(laptop))
    laptop.press("try-all")
    found = await_some(lambda: (now := known(laptop)) != before and now)
    states = [each["state"] for each in found["links"]]
    assert set(states) == set(SPOKEN), "there is one of each"
    lights = await_some(lambda: spoken(laptop) == [SPOKEN[state] for state in states] and laptop.run(LIGHTS))
    assert [light["seen"] for light in lights] == [SEEN[state] for state in states]
    assert len({light["shape"] for light in lights}) == len(set(states)), "a shape for each state"
    for light, each in zip(lights, found["links"], strict=True):
        took = "" if each["state"] == "unknown" else f", {each['milliseconds']} ms"
        assert light["said"] == each["said"] + took
    failed = next(each for each in found["links"] if each["name"] == "discord")
    laptop.says(f"{failed['remedy'].capitalize()[0]}{failed['remedy'][1:]}.")
    laptop.says(f"Goes on without it: {failed['goesOn']}.")
    laptop.says(f"Tried: {failed['tried']}, {failed['milliseconds']} ms.")
    for width in (PHONE, DESK):
        laptop.open("#before", width)
        laptop.says("Try all 12")
        await_some(lambda: spoken(laptop) == [SPOKEN[state] for state in states])
        assert_open(laptop, width)

    laptop.run(LATER, 61_000)
    laptop.run("location.hash = ''; dispatchEvent(new Event('hashchange')); location.hash = 'before'")
    await_some(lambda: spoken(laptop) == [SPOKEN["unknown" if each == "ok" else each] for each in states])
    assert {light["shape"] for light in laptop.run(LIGHTS) if light["spoken"] == "unknown"} == {"3.4 3.2"}


def known(laptop):
    """Read what the routes tell of all links; None while they are being tried."""
    cookies = {each["name"]: each["value"] for each in laptop.chrome.get_cookies()}
    answer = httpx.get(f"{laptop.url}/admin/preflight", cookies=cookies).raise_for_status().json()
    return None if answer["isRunning"] else answer


def spoken(laptop):
    return [light["spoken"] for light in laptop.run(LIGHTS)]


def test_the_summary_is_copied_without_the_clipboard(laptop):
    """A phone at `dev --lan` has no clipboard, since it comes by HTTP: the summary is copied all the same."""
    laptop.chrome.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    laptop.come_in()
    laptop.run("return navigator.clipboard.writeText('what was copied before')")
    laptop.run(HTTP_ALONE)
    laptop.run(SIMULATE, "stream.online")
    await_some(lambda: laptop.click("[data-key=summary]"))
    await_some(lambda: "Thank you. Please rewind." in laptop.run(COPIED))


def test_a_summary_that_does_not_come_is_told(laptop):
    """Where the summary cannot be read nothing is copied, and the page says so."""
    laptop.come_in()
    laptop.run(SIMULATE, "stream.online")
    await_some(lambda: laptop.chrome.find_elements(By.CSS_SELECTOR, "[data-key=summary]"))
    laptop.run("window.fetch = () => Promise.reject(new Error('away'))")
    laptop.press("summary")
    laptop.says("The summary did not come, and nothing was copied.")


def assert_open(laptop, width):
    """See that axe finds nothing, that nothing is scrolled sideways, and that a finger hits each key."""
    laptop.chrome.execute_async_script("document.fonts.ready.then(() => setTimeout(arguments[0], 100))")
    assert violations(laptop.chrome, axe_script()) == {}
    for each in (width, DOCK) if width == PHONE else (width,):
        laptop.size(each)
        assert laptop.run("return document.documentElement.scrollWidth") <= each
        assert laptop.run(SMALL) == []


@pytest.mark.parametrize("width", [PHONE])  # and at a desk in tests/soak
def test_states_of_which_there_is_little_to_see_are_open_to_everybody(laptop, width):
    """The door, a night on which nothing happened, an address that was made: on each screen for everybody."""
    laptop.open("", width)
    laptop.says("Staff only.")
    assert_open(laptop, width)
    laptop.come_in("", width)
    for words in ("Nothing in the machine.", "The shelf is empty.", "Nothing is parked."):
        laptop.says(words)
    assert_open(laptop, width)
    laptop.run("location.hash = 'address'")
    laptop.press("make")
    laptop.says("copy it now.")
    assert_open(laptop, width)
    laptop.run("location.hash = ''")
    for letter in ("p", "f"):
        laptop.press(letter)
    laptop.says("Paused since")
    await_some(
        lambda: laptop.run("return document.querySelector('#keys [data-key=f]').ariaPressed") == "true"
    )
    assert_open(laptop, width)
    for letter in ("p", "f"):
        laptop.press(letter)
    await_some(lambda: "Paused since" not in laptop.run(WORDS))
