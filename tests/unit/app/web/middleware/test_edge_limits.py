"""Pages for people: what a browser may do with them."""

import httpx
import pytest
from litestar import Litestar, get

from showtime_app.metrics import Metrics
from showtime_app.web.middleware import edge_limits
from showtime_app.web.middleware.stream_limits import StreamLimits


@pytest.mark.parametrize(
    ("media_type", "allowed"),
    [
        ("text/html", "default-src 'self'"),
        ("text/plain", "default-src 'none'"),
        ("image/svg+xml", "default-src 'none'"),
    ],
)
async def test_a_page_runs_nothing_but_what_comes_from_here(media_type, allowed):
    """A page runs no script but ours and is in no frame, and what is no page runs nothing."""

    @get("/", media_type=media_type)
    async def page() -> str:
        return "<script>alert(1)</script>"

    app = edge_limits.with_edge_limits(
        Litestar([page], logging_config=None), StreamLimits(1, 1, ()), Metrics()
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://a") as browser:
        policy = (await browser.get("/")).headers["content-security-policy"]
    assert policy.split("; ")[0] == allowed
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
