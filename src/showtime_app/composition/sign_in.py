"""How hosts sign in: with Twitch where that is set up, and on a laptop by a click."""

from urllib.parse import urlsplit

from showtime_app.composition.ports import Ports
from showtime_app.config import Settings
from showtime_app.setting_types import REDIRECT_PATH
from showtime_app.web.middleware.cookies import Cookies
from showtime_app.web.middleware.same_origin import SameOrigin, origin_of
from showtime_app.web.routes.session import SessionRoutes
from showtime_core.use_cases.sign_in import SignIn

_NAMES = ("TWITCH_CHANNEL_NAME", "TWITCH_CLIENT_ID", "TWITCH_CLIENT_SECRET", "TWITCH_REDIRECT_URL")


def session_routes(settings: Settings, ports: Ports) -> SessionRoutes:
    """Put together what lets hosts sign in."""
    storage, is_local = ports.storage, ports.local_host is not None
    url = settings.twitch_redirect_url or ""
    missing = [name for name in _NAMES if not getattr(settings, name.lower())]
    use_case = SignIn(
        storage.sessions,
        storage.moderators,
        storage.one_time_codes,
        settings.twitch_channel_name or "",
        ports.identity_provider,
        ports.local_host,
        f"sign-in with Twitch is not set up: {', '.join(missing)} must be set",
    )
    return SessionRoutes(
        use_case,
        Cookies(is_secure=url.startswith("https://") and not is_local),
        SameOrigin(origin_of(url) if url and not is_local else ""),
        urlsplit(url).path.removesuffix(REDIRECT_PATH),
    )
