"""What browsers are told to refuse, and whose pages may read what."""

import httpx
import pytest

from support.in_process import running_here
from support.sse import listening

SITE = "https://goldenvcr.com"
PATHS = ["/status", "/history", "/nowhere", "/admin/tape", "/metrics"]


@pytest.fixture
def site_server(migrated):
    with running_here(migrated, {"CORS_ALLOWED_ORIGINS": SITE}) as server:
        yield server


async def test_browsers_are_told_what_to_refuse(site_server):
    """Every answer forbids guessing of types, frames, referrers and scripts, and sets no cookies."""
    async with httpx.AsyncClient(base_url=site_server.url) as client:
        answers = {path: (await client.get(path)).headers for path in PATHS}
    async with listening(f"{site_server.url}/state") as stream:
        answers["/state"] = stream.response.headers
    for path, headers in answers.items():
        assert (path, headers["x-content-type-options"]) == (path, "nosniff")
        assert (path, headers["x-frame-options"]) == (path, "DENY")
        assert (path, headers["referrer-policy"]) == (path, "no-referrer")
        assert (path, "frame-ancestors 'none'" in headers["content-security-policy"]) == (path, True)
        assert (path, "server" in headers, "set-cookie" in headers) == (path, False, False)


async def test_pages_of_the_site_may_read_and_no_others(site_server):
    """An origin that is configured may GET, streams too; no other may, and none may do more."""
    async with httpx.AsyncClient(base_url=site_server.url) as client:
        for origin, allowed in {SITE: SITE, "https://goldenvcr.com.evil.example": None, "null": None}.items():
            answer = await client.get("/history", headers={"origin": origin})
            assert (origin, answer.headers.get("access-control-allow-origin")) == (origin, allowed)
            async with listening(f"{site_server.url}/state", origin=origin) as stream:
                told = stream.response.headers.get("access-control-allow-origin")
            assert (origin, told) == (origin, allowed)
        asked = {"origin": SITE, "access-control-request-method": "POST"}
        answer = await client.options("/admin/tape/5", headers=asked)
    assert "POST" not in answer.headers.get("access-control-allow-methods", "")
    assert "access-control-allow-credentials" not in answer.headers


def test_without_origins_no_page_of_another_site_may_read(server):
    """Unless it is configured, nothing is shared."""
    headers = httpx.get(f"{server.url}/history", headers={"origin": SITE}).headers
    assert not [name for name in headers if name.startswith("access-control-")]
