"""The broadcaster's routes for moderators: who is named, and who no longer."""

import re
from typing import Annotated

from litestar import Router, delete, get, put
from msgspec import Struct

from showtime_app.web.middleware.access import BROADCASTER, Guard
from showtime_app.web.openapi.descriptions import AWAY, described, said, says
from showtime_app.web.routes.options import options
from showtime_app.web.times import DATE_TIME, Time
from showtime_core.domain.sessions import Moderator
from showtime_core.errors import NotFound
from showtime_core.use_cases.sign_in import SignIn

_ID = re.compile(r"[0-9]{1,20}")
_NO_MODERATOR = "no such moderator"


class NamedModerator(Struct, rename="camel"):
    """A moderator whom the broadcaster has named."""

    id: Annotated[str, says("The user id at Twitch.")]
    login: Annotated[str, says("The login when the moderator was named.")]
    display_name: Annotated[str, says("The name as people saw it then.")]
    named_at: Annotated[Time, says("When that was.", **DATE_TIME)]


class ModeratorList(Struct):
    """The moderators."""

    moderators: Annotated[list[NamedModerator], says("The longest named first.")]


def router(use_case: SignIn, broadcaster_only: Guard) -> Router:
    """Make the routes; all of them are the broadcaster's alone."""

    @get("/", opt=said("list_moderators"))
    async def list_moderators() -> ModeratorList:
        """List the moderators."""
        return ModeratorList([_describe(each) for each in await use_case.moderators.list_all()])

    @put("/{user:str}", opt=said("name_moderator"))
    async def name_moderator(
        user: Annotated[str, says("The login at Twitch.", pattern="^[A-Za-z0-9_]{1,25}$")],
    ) -> NamedModerator:
        """Name a moderator: the user who has this login now, whatever it becomes."""
        return _describe(await use_case.name_moderator(user))

    @delete("/{user:str}", status_code=204, opt=described(refusals={404: [_NO_MODERATOR], **AWAY}))
    async def withdraw_moderator(
        user: Annotated[str, says("The user id at Twitch.", pattern=f"^{_ID.pattern}$", examples=["31337"])],
    ) -> None:
        """Withdraw a moderator, who is signed out at once."""
        if not _ID.fullmatch(user):
            raise NotFound(_NO_MODERATOR)
        await use_case.moderators.withdraw(user)

    return Router(
        "/admin/moderators",
        route_handlers=[
            options("/{user:str}", "PUT", "DELETE"),
            list_moderators,
            name_moderator,
            withdraw_moderator,
        ],
        guards=[broadcaster_only],
        security=BROADCASTER,
        tags=["session"],
    )


def _describe(moderator: Moderator) -> NamedModerator:
    viewer = moderator.viewer
    return NamedModerator(viewer.id, viewer.login, viewer.display_name, Time.of(moderator.named_at))
