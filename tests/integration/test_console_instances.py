"""Consoles at two instances behind nginx, in a real browser, where hosts sign in with Twitch."""

from contextlib import ExitStack
from functools import partial

import httpx
import pytest
from attrs import define
from selenium.webdriver.common.by import By

from support import auth_service, shared
from support.auth_service import SHARED_SECRET, Auth
from support.certificates import make_certificate
from support.following import await_some
from support.nginx import PREFIX, nginx
from support.server import Server, free_port, start
from support.twitch_api import TwitchApi, twitch_api
from support.twitch_world import World

database = shared.database
HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
USERS = {"goldenvcr": "953753877", "tapehead": "31337"}
PRESSED = "return document.querySelector(`#keys [data-key=${arguments[0]}]`)?.ariaPressed"
LAMPS = "return document.getElementById('lamps').innerText"


@define
class Site:
    """Two instances behind nginx, Twitch, and a browser with two windows."""

    chrome: object
    twitch: TwitchApi
    url: str
    servers: list[Server]
    """Those that live."""

    def run(self, script, *values):
        return self.chrome.execute_script(script, *values)

    def sign_in(self, login):
        """Sign in with Twitch as people do, from the key of the page to the console."""
        self.twitch.visitor = login
        self.chrome.get(f"{self.url}/console")
        self.chrome.delete_all_cookies()
        self.chrome.get(f"{self.url}/console")
        await_some(lambda: self.chrome.find_elements(By.CSS_SELECTOR, ".door a.main"))[0].click()
        await_some(lambda: self.chrome.find_elements(By.ID, "authorize"))[0].click()
        await_some(lambda: self.run(PRESSED, "p"))

    def streams(self):
        """Tell how many consoles each instance serves."""
        told = [httpx.get(f"{server.url}/metrics").text for server in self.servers]
        lines = [line for text in told for line in text.splitlines() if 'clients{stream="show"}' in line]
        return [int(float(line.split()[-1])) for line in lines]


@pytest.fixture(scope="module")
def site(database, chrome, require_tool, tmp_path_factory):
    """Put nginx before two instances in processes of their own, at which hosts sign in through nginx."""
    program, folder = require_tool("nginx"), tmp_path_factory.mktemp("site")
    certificate, ports = make_certificate(folder), (free_port(), free_port())
    with ExitStack() as stack:
        environment = stack.enter_context(pytest.MonkeyPatch.context())
        environment.setenv("SSL_CERT_FILE", str(certificate.file))
        auth = stack.enter_context(Auth())
        twitch = stack.enter_context(twitch_api(World(users=dict(USERS))))
        url = f"https://127.0.0.1:{stack.enter_context(nginx(program, folder, certificate, ports))}{PREFIX}"
        settings = twitch.settings | {
            "AUTH_URL": auth.url,
            "AUTH_SHARED_SECRET": SHARED_SECRET,
            "TWITCH_KEEP_SUBSCRIPTIONS": "false",
            "TWITCH_REDIRECT_URL": f"{url}/session/callback",
            "CHAT_SOURCE": "off",
        }
        servers = [start(database, folder / f"{port}.log", port, settings) for port in ports]
        stack.callback(lambda: [server.kill() for server in servers])
        chrome.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": True})
        with httpx.Client(base_url=servers[0].url, headers=HOST, timeout=20) as client:
            client.post("/admin/show/secrets", json={"kind": "overlay", "name": "OBS"}).raise_for_status()
        yield Site(chrome, twitch, url, servers)
        chrome.get("about:blank")
        chrome.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": False})


def test_two_consoles_go_on_when_an_instance_dies(site):
    """Both agree after each command of either, and need not be loaded again when an instance dies."""
    site.sign_in("goldenvcr")
    assert site.run("return location.href") == f"{site.url}/console"
    first = site.chrome.current_window_handle
    site.chrome.switch_to.new_window("window")
    second = site.chrome.current_window_handle
    site.chrome.execute_cdp_cmd("Security.setIgnoreCertificateErrors", {"ignore": True})

    def turn(here, there, letter, wanted):
        """Press a key at one, and see that both show it."""
        for window in (here, there):
            site.chrome.switch_to.window(window)
            if window == here:
                key = By.CSS_SELECTOR, f"#keys [data-key={letter}]:enabled"
                await_some(partial(site.chrome.find_elements, *key))[0].click()
            await_some(lambda: site.run(PRESSED, letter) == wanted)

    try:
        site.chrome.get(f"{site.url}/console")
        await_some(lambda: site.run(PRESSED, "p"))
        for window in (first, second):
            site.chrome.switch_to.window(window)
            site.run("window.loaded = 'once'")
        turn(first, second, "p", "true")
        turn(second, first, "m", "true")
        serving = await_some(lambda: sum(found := site.streams()) == 2 and found)
        site.servers.pop(serving.index(max(serving))).kill()
        turn(second, first, "p", "false")
        turn(first, second, "m", "false")
        for window in (first, second):
            site.chrome.switch_to.window(window)
            await_some(lambda: "No answer" not in site.run(LAMPS))
            assert site.run("return window.loaded") == "once"
    finally:
        site.chrome.switch_to.window(second)
        site.chrome.close()
        site.chrome.switch_to.window(first)


def test_a_moderator_who_is_let_out_is_told_while_the_page_is_open(site):
    """When the broadcaster lets a moderator out, the page that is open shows nothing more, and says so."""
    with httpx.Client(base_url=site.servers[0].url, headers=HOST, timeout=20) as client:
        client.put("/admin/moderators/tapehead").raise_for_status()
        site.sign_in("tapehead")
        assert site.run("return document.querySelector('[data-key=\"place-#people\"]')") is None
        client.delete(f"/admin/moderators/{USERS['tapehead']}").raise_for_status()
    await_some(
        lambda: "Your session has ended" in site.run("return document.querySelector('main').innerText")
    )
    assert site.run("return document.getElementById('show').hidden")
    assert site.chrome.find_elements(By.CSS_SELECTOR, ".door a.main")
