"""The host's route for trying out alerts."""

from typing import Annotated
from uuid import uuid4

from litestar import Router, post
from litestar.params import JSONBody
from msgspec import Struct

from showtime_app.web.middleware.access import HOST, Guard
from showtime_app.web.openapi.descriptions import AWAY, described, says
from showtime_core.domain.alert_tests import ALERT_TESTS
from showtime_core.domain.events import AlertTested
from showtime_core.use_cases.run_show import RunShow


class WantedTest(Struct):
    """An alert to be tried out."""

    type: Annotated[
        str, says("The `type` of alerts; a Power-up beside.", enum=[*ALERT_TESTS], examples=["cheer"])
    ]


def router(use_case: RunShow, host: Guard) -> Router:
    """Make the route."""

    @post(
        "/tests",
        status_code=204,
        opt=described(
            refusals={
                400: [
                    f"no such kind: choose {', '.join(ALERT_TESTS)}",
                    "there is no queue: make an overlay secret first",
                ],
                **AWAY,
            }
        ),
    )
    async def try_alert(data: JSONBody[WantedTest]) -> None:
        """Put an alert into the queue that nobody has led to.

        It is marked as a test there, pays nobody, is in no history, and is not told on `/alerts`.
        """
        await use_case.test_alert(AlertTested(uuid4(), data.type))

    return Router("/admin/show", route_handlers=[try_alert], guards=[host], security=HOST, tags=["show"])
