"""`showtime dev` and the network of the laptop: it is reached from there only when that was asked for."""

import re
import socket

import httpx
import pytest

from showtime_app.cli.lan import check_lan_address, lan_address
from showtime_core.errors import Refused, ShowtimeError
from support.answers import said
from support.dev import developing, refusal
from support.visitor import Visitor

_PAIR = re.compile(r"(http://\S+)/console#pair=(\S+)")


def find_address() -> tuple[str | None, str]:
    """Give this machine's address in its network; None where it is in none that is fit for it, and why."""
    try:
        return lan_address(), ""
    except ShowtimeError as reason:
        return None, str(reason)


@pytest.mark.process
def test_a_phone_in_the_network_is_paired_by_what_is_printed(tmp_path):
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
        phone, laptop = Visitor(url), Visitor(dev.server.url)
        with phone.client, laptop.client:
            assert phone.ask("POST", "/session/laptop").status_code == 403
            assert phone.ask("POST", "/session/pair", json={"code": "guess"}).status_code == 401
            assert said(phone.ask("POST", "/session/pair", json={"code": code})) == (204, "")
            assert said(laptop.ask("POST", "/session/laptop")) == (204, "")
            assert phone.token != laptop.token
            for browser in (phone, laptop):
                assert browser.who()["role"] == "broadcaster"
                assert said(browser.ask("DELETE", "/admin/tape")) == (400, "no broadcast is currently live")
        with developing(tmp_path / "data") as alone:
            assert httpx.get(f"{alone.server.url}/healthz").text == "ok"
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((address, alone.server.port), timeout=60)


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
