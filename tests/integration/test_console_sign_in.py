"""The console of a channel that is served: hosts sign in with Twitch in a browser; two instances agree."""

from contextlib import ExitStack

import httpx
import pytest
from attrs import define
from selenium.webdriver.common.by import By

from showtime_adapters.postgres import feed
from showtime_adapters.postgres.show import follower
from support import auth_service, shared
from support.auth_service import SHARED_SECRET, Auth
from support.axe import axe_script, violations
from support.following import await_some
from support.in_process import running_here
from support.server import free_port
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import World

database = shared.database
HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
USERS = {"goldenvcr": "953753877", "tapehead": "31337"}
PHONE, DESK = 390, 1280
TARGETS = """
    const small = ({ offsetWidth, offsetHeight }) => Math.min(offsetWidth, offsetHeight) < 44;
    return [...document.querySelectorAll("a")].filter(small).map(({ innerText }) => innerText);
"""
NO_POLLS = "window.setInterval = () => 0"
PRESSED = "return document.querySelector('#keys [data-key=p]')?.ariaPressed"
MENU = "return [...document.querySelectorAll('#places a')].map((each) => each.textContent)"


@define
class Served:
    """Two instances of a channel with a queue, Twitch, and a browser."""

    chrome: object
    twitch: TwitchApi
    first: str
    second: str

    def size(self, width):
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def go_to_twitch(self, login, click="authorize"):
        """Ask to sign in, and click on a link of Twitch's page, as people do."""
        self.twitch.visitor = login
        self.chrome.get(f"{self.first}/console")
        self.chrome.delete_all_cookies()
        self.chrome.get(f"{self.first}/console")
        await_some(lambda: self.chrome.find_elements(By.CSS_SELECTOR, ".door a.main"))[0].click()
        await_some(lambda: self.chrome.find_elements(By.ID, click))[0].click()

    def sign_in(self, login):
        """Sign in with Twitch."""
        self.go_to_twitch(login)
        await_some(lambda: self.run(PRESSED))

    def run(self, script):
        return self.chrome.execute_script(script)

    def press(self, letter):
        """Press a key, as soon as it may be pressed."""
        await_some(lambda: self.chrome.find_elements(By.CSS_SELECTOR, f"#keys [data-key={letter}]:enabled"))
        self.run(f"document.querySelector('#keys [data-key={letter}]').click()")


@pytest.fixture(scope="module")
def served(database, chrome):
    with ExitStack() as stack:
        auth = stack.enter_context(Auth())
        twitch = stack.enter_context(twitch_api(World(users=dict(USERS))))
        port = free_port()
        settings = twitch.settings | {
            "AUTH_URL": auth.url,
            "AUTH_SHARED_SECRET": SHARED_SECRET,
            "TWITCH_KEEP_SUBSCRIPTIONS": "false",
            "TWITCH_REDIRECT_URL": f"http://127.0.0.1:{port}/session/callback",
            "CHAT_SOURCE": "off",
        }
        patched = stack.enter_context(pytest.MonkeyPatch.context())
        for module in (feed, follower):
            patched.setattr(module, "_POLL_SECONDS", 3600)
        first = stack.enter_context(running_here(database, settings, port=port))
        second = stack.enter_context(running_here(database, settings))
        with httpx.Client(base_url=first.url, headers=HOST, timeout=20) as client:
            client.post("/admin/show/secrets", json={"kind": "overlay", "name": "OBS"}).raise_for_status()
            client.put("/admin/moderators/tapehead").raise_for_status()
        yield Served(chrome, twitch, first.url, second.url)
        chrome.get("about:blank")


def test_consoles_of_two_instances_agree(served):
    """What is done on one instance is pushed to the other, whose page and server look at nothing unasked."""
    served.sign_in("goldenvcr")
    first = served.chrome.current_window_handle
    served.chrome.switch_to.new_window("window")
    second = served.chrome.current_window_handle
    try:
        served.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NO_POLLS})
        served.chrome.get(f"{served.second}/console")
        await_some(lambda: served.run(PRESSED) == "false")
        for wanted in ("true", "false"):
            served.chrome.switch_to.window(first)
            served.press("p")
            served.chrome.switch_to.window(second)
            await_some(lambda wanted=wanted: served.run(PRESSED) == wanted)
    finally:
        served.chrome.switch_to.window(second)
        served.chrome.close()
        served.chrome.switch_to.window(first)


@pytest.mark.parametrize("width", [PHONE])  # and at a desk in tests/soak
def test_a_sign_in_that_fails_says_what_to_do_on_a_page_of_the_house(served, width):
    """Whoever declines at Twitch is told so, on a page that is open to everybody and leads in again."""
    served.size(width)
    served.go_to_twitch("goldenvcr", "cancel")
    await_some(lambda: "declined at Twitch" in served.run("return document.body.innerText"))
    assert "Staff only." in served.run("return document.body.innerText")
    paper = "return getComputedStyle(document.querySelector('.paper')).backgroundImage"
    assert "paper.svg" in served.run(paper), "its style has come"
    assert violations(served.chrome, axe_script()) == {}
    assert served.run("return document.documentElement.scrollWidth") <= width
    assert served.run(TARGETS) == []
    served.chrome.find_element(By.CSS_SELECTOR, ".key.main").click()
    await_some(lambda: served.chrome.find_elements(By.ID, "authorize"))[0].click()
    await_some(lambda: served.run(PRESSED))


def test_whoever_is_to_sign_in_comes_back_to_the_night(served):
    """The page of nights leads to Twitch, and from there back to where it was asked for."""
    served.twitch.visitor = "goldenvcr"
    served.chrome.get(f"{served.first}/console")
    served.chrome.delete_all_cookies()
    served.chrome.get(f"{served.first}/nights?night=live")
    await_some(lambda: served.chrome.find_elements(By.CSS_SELECTOR, "a.main"))[0].click()
    await_some(lambda: served.chrome.find_elements(By.ID, "authorize"))[0].click()
    await_some(lambda: "No such night." in served.run("return document.body.innerText"))
    assert served.chrome.current_url == f"{served.first}/nights?night=live"


def test_a_moderator_has_the_keys_and_nothing_of_the_broadcasters(served):
    """A moderator may press every key, and sees no place that is the broadcaster's alone."""
    served.sign_in("tapehead")
    assert await_some(lambda: served.run(MENU)) == ["Tonight", "Before the show", "Keyboard", "Nights"]
    served.press("p")
    await_some(lambda: served.run(PRESSED) == "true")
    served.press("p")
    await_some(lambda: served.run(PRESSED) == "false")
    served.run("location.hash = 'rules'")
    assert served.run("return document.querySelector('.rule')") is None
    served.run("location.hash = 'before'")
    await_some(lambda: "The broadcaster tries them" in served.run("return document.body.innerText"))
