"""`showtime dev` and the network of the laptop: it is reached from there only when that was asked for."""

import re
import socket

import httpx
import pytest
from attrs import define
from selenium.webdriver.common.by import By

from showtime_app.cli.lan import check_lan_address, lan_address
from showtime_core.errors import Refused, ShowtimeError
from support.answers import said
from support.dev import developing, refusal
from support.following import await_some
from support.visitor import Visitor

WORDS = "return document.querySelector('main').innerText"
SIMULATE = """
    const [event, options, done] = arguments;
    const headers = { "Content-Type": "application/json" };
    const sent = { method: "POST", headers, body: JSON.stringify({ event, options }) };
    fetch("local/simulate", sent).then(() => done());
"""
_PAIR = re.compile(r"(http://\S+)/console#pair=(\S+)")


def find_address() -> tuple[str | None, str]:
    """Give this machine's address in its network; None where it is in none that is fit for it, and why."""
    try:
        return lan_address(), ""
    except ShowtimeError as reason:
        return None, str(reason)


@pytest.mark.process
def test_a_phone_in_the_network_is_paired_by_what_is_printed(chrome, tmp_path):
    """`dev --lan` is reached in the network by who scans its code; `dev` alone is not reached at all."""
    address, why_not = find_address()
    if address is None:
        assert why_not in refusal(tmp_path / "data", "--lan")
        return
    with developing(tmp_path / "data", "--lan") as dev:
        [url, code] = next(found.groups() for line in dev.output if (found := _PAIR.search(line)))
        drawn = "".join(line for line, _ in zip(dev.output, range(8), strict=False))
        assert url == f"http://{address}:{dev.server.port}"
        assert len(code) >= 16
        assert len(re.findall("[█▀▄]", drawn)) > 100, "a QR code"
        other, laptop = Visitor(url), Visitor(dev.server.url)
        with other.client, laptop.client:
            assert other.ask("POST", "/session/laptop").status_code == 403
            assert other.ask("POST", "/session/pair", json={"code": "guess"}).status_code == 401
            assert said(laptop.ask("POST", "/session/laptop")) == (204, "")
            assert_pairs(Phone(chrome, url), code)
            assert other.ask("POST", "/session/pair", json={"code": code}).status_code == 401
            assert laptop.who()["role"] == "broadcaster"
        with developing(tmp_path / "data") as alone:
            assert httpx.get(f"{alone.server.url}/healthz").text == "ok"
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, alone.server.port), timeout=60)


def assert_pairs(phone, code):
    """See that a phone is let in by the code alone, and copies though its browser has no clipboard for it."""
    phone.open("console")
    await_some(lambda: "scan what it prints" in phone.run(WORDS))
    assert phone.run("return document.querySelector('[data-key=enter]')") is None
    phone.open(f"console#pair={code}")
    phone.press("[data-key=pair]")
    await_some(lambda: phone.run("return document.body.className") == "inside")
    assert phone.run("return [isSecureContext, navigator.clipboard === undefined]") == [False, True]

    phone.simulate("stream.online")
    phone.simulate("channel.cheer", bits="200", message="ghost of a fax machine")
    phone.press("[data-key=summary]")
    await_some(lambda: "Thank you. Please rewind." in phone.paste())
    phone.run("location.hash = 'address'")
    phone.press("[data-key=make]")
    phone.press("[data-key=copy-secret]")
    await_some(lambda: f"{phone.url}/overlay#secret=" in phone.paste())
    phone.open("nights?night=live")
    phone.press(".key.wide")
    await_some(lambda: "Thank you. Please rewind." in phone.paste())
    await_some(lambda: phone.open("ghosts") or phone.run("return document.querySelector('.box a')"))
    phone.press(".box a")
    phone.press(".one button.main")
    await_some(lambda: f"{phone.url}/ghosts?ghost=" in phone.paste())


@define
class Phone:
    """A browser that comes by the network: it has no cookie of the address on loopback."""

    chrome: object
    url: str

    def open(self, path):
        self.chrome.get("about:blank")
        self.chrome.get(f"{self.url}/{path}")

    def run(self, script, *values):
        return self.chrome.execute_script(script, *values)

    def press(self, selector):
        """Press a key as a finger does: what a script presses may copy nothing."""
        element = await_some(lambda: self.chrome.find_elements(By.CSS_SELECTOR, selector))[0]
        self.run("arguments[0].scrollIntoView({ block: 'center', behavior: 'instant' })", element)
        element.click()

    def simulate(self, event, **options):
        self.chrome.execute_async_script(SIMULATE, event, options)

    def paste(self):
        """Paste what was copied, as by the keyboard."""
        self.run("document.body.append(document.createElement('textarea'))")
        self.run("document.querySelector('body > textarea:last-child').focus()")
        paste = {"type": "keyDown", "modifiers": 2, "key": "v", "code": "KeyV", "commands": ["paste"]}
        self.chrome.execute_cdp_cmd("Input.dispatchKeyEvent", paste)
        return self.run(
            "const area = document.querySelector('body > textarea:last-child'), { value } = area;"
            "area.remove(); return value"
        )


@pytest.mark.process
def test_a_database_of_somebody_else_is_not_opened_to_the_network(tmp_path):
    """With a database that is named there is nobody to pair: its sessions are opened with Twitch."""
    assert "signs in a phone without Twitch" in refusal(tmp_path / "data", "--lan", PGHOST="127.0.0.1")


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111"])
def test_dev_is_not_opened_to_the_internet(address):
    """An address that the whole Internet reaches is refused."""
    with pytest.raises(Refused, match="the whole Internet"):
        check_lan_address(address)


@pytest.mark.parametrize(
    "address", ["192.168.1.20", "10.0.0.7", "172.20.1.1", "169.254.3.4", "100.64.0.9", "fd00::2"]
)
def test_dev_is_opened_to_a_network_of_its_own(address):
    """The addresses of a private network will do."""
    assert check_lan_address(address) == address
