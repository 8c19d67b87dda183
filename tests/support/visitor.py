"""A browser as far as signing in goes: it keeps cookies, comes from a page, and goes to Twitch."""

import html
import re
from urllib.parse import urlsplit

import httpx
from attrs import define, field

_PAGES = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
"""What a browser asks for when it goes to an address; its scripts ask otherwise."""
_LINK = r'id="{}" href="([^"]*)"'


@define
class Visitor:
    """A browser with a page of the service at this URL open."""

    url: str
    client: httpx.Client = field(factory=lambda: httpx.Client(timeout=30, headers={"accept": _PAGES}))

    @property
    def token(self) -> str | None:
        """The token of the session that it has."""
        return self.client.cookies.get("showtime_session")

    def ask(self, method: str, path: str, **options: object) -> httpx.Response:
        """Ask as the page does, which says where it comes from."""
        parts = urlsplit(self.url)
        headers = {"accept": "*/*", "origin": f"{parts.scheme}://{parts.netloc}"}
        headers |= options.pop("headers", {})
        return self.client.request(method, f"{self.url}{path}", headers=headers, **options)

    def who(self) -> dict[str, object]:
        """Tell who is signed in with it."""
        answer = self.client.get(f"{self.url}/session")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def go_to_twitch(self, to: str = "/console") -> str:
        """Begin to sign in, and give the page of Twitch on which the user is asked."""
        begun = self.client.get(f"{self.url}/session/sign-in", params={"to": to})
        assert begun.status_code == 302, begun.text
        return self.client.get(begun.headers["location"]).text

    def sign_in(self, to: str = "/console", click: str = "authorize") -> httpx.Response:
        """Sign in with Twitch, or click on another link of its page; gives what the browser comes back to."""
        return self.client.get(link_of(self.go_to_twitch(to), click))


def link_of(page: str, click: str = "authorize") -> str:
    """Find where a link of Twitch's page leads to."""
    found = re.search(_LINK.format(click), page)
    assert found, page
    return html.unescape(found[1])
