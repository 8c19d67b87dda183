"""A ghost posted to Discord: once, with its image, and with nothing in it that a viewer could abuse."""

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_adapters.discord import escape
from showtime_core.errors import Ambiguous, Refused, Unavailable
from support.clients import opened_gallery
from support.discord_service import PATH, DiscordService
from support.following import until
from support.neighbour import Reply

GHOST = ("Vera_Haste", "a baby seal", b"\xff\xd8 a jpeg \r\n--\r\n\xff\xd9")


@pytest.fixture(scope="module")
def well_service():
    with DiscordService() as service:
        yield service


@pytest.fixture
def service(well_service):
    """Run Discord; however a test has left it, the next one finds it well, and nothing posted."""
    well_service.received.clear()
    well_service.posts.clear()
    yield well_service
    well_service.trouble()


async def test_the_webhook_tells_its_name_and_posts_nothing(service, gallery):
    """The webhook is looked up by its own address: nothing is posted, and one that is gone is said to be."""
    assert await gallery.look_up() == "Ghosts"
    assert not service.posts
    service.trouble("404")
    with pytest.raises(Refused, match="404: the webhook is gone"):
        await gallery.look_up()


@pytest.mark.parametrize(
    ("failure", "said"),
    [("500", "Discord answers 500"), ('{"name": 1986}', "no webhook"), ("<p>", "no webhook")],
)
async def test_what_is_no_webhook_is_none(service, gallery, failure, said):
    """An answer that is no webhook of Discord's proves nothing."""
    service.trouble(failure)
    with pytest.raises(Unavailable, match=said):
        await gallery.look_up()


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def gallery(service, clock):
    async with opened_gallery(service.webhook_url, clock=clock) as gallery:
        yield gallery


async def test_a_ghost_is_posted_with_its_image(gallery, service):
    """A ghost is posted as one message, whose image is its own and not a link."""
    await gallery.post(*GHOST)
    assert service.posts == [
        {
            "content": r"Ghost from **Vera\_Haste**: _a baby seal_",
            "allowed_mentions": {"parse": []},
            "attachments": [{"id": 0, "filename": "ghost.jpg"}],
            "content_type": "image/jpeg",
            "filename": "ghost.jpg",
            "image": GHOST[2],
        }
    ]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("_under_ **bold** ~~gone~~", r"\_under\_ \*\*bold\*\* \~\~gone\~\~"),
        ("@everyone <@1> <#2> <@&3>", r"\@everyone \<\@1\> \<\#2\> \<\@\&3\>"),
        ("[here](https://example.com)", r"\[here\]\(https\:\/\/example\.com\)"),
        ("a\n# headline\r\n> quote\u2028- list", r"a \# headline \> quote \- list"),
        ("||spoiler|| `code` \\", r"\|\|spoiler\|\| \`code\` \\"),
        ("Ⱥ 👻 ヴェラ é", "Ⱥ 👻 ヴェラ é"),
    ],
)
async def test_what_a_viewer_wrote_is_read_as_it_is(gallery, service, text, read):
    """Name and subject are posted without markup, link, mention, or a line of their own."""
    await gallery.post(text, text, b"jpeg")
    assert service.posts[0]["content"] == f"Ghost from **{read}**: _{read}_"


@given(st.text())
def test_no_punctuation_is_left_bare(text):
    """Every sign that could mean something has a backslash of ours before it; nothing else is changed."""
    escaped = escape(text)
    plain, is_bare = "", True
    for sign in escaped:
        if is_bare and sign == "\\":
            is_bare = False
            continue
        assert is_bare == (not sign.isascii() or sign.isalnum() or sign in " \x7f" or not sign.isprintable())
        plain, is_bare = plain + sign, True
    assert is_bare
    assert plain == " ".join(text.split())


@pytest.mark.parametrize("failure", ["hang", "cut", "die", "drip", "500", "502", "502 after", "302", "late"])
async def test_a_post_whose_answer_is_lost_may_be_there(service, failure):
    """A post whose answer is lost is not repeated, since a ghost twice would be worse than none."""
    async with opened_gallery(service.webhook_url, answer_seconds=1.0) as gallery:
        service.trouble(failure)
        with pytest.raises(Ambiguous):
            await gallery.post(*GHOST)
    await until(lambda: service.received)  # who hangs up does not wait for it
    assert len(service.received) == 1


async def test_who_is_asked_to_wait_waits(gallery, service, clock):
    """Nothing is sent for as long as Discord asks to wait, whoever tries."""
    service.trouble("429")
    with pytest.raises(Unavailable):
        await gallery.post(*GHOST)
    service.trouble()
    clock.now += 1.9
    with pytest.raises(Unavailable, match="wait"):
        await gallery.post(*GHOST)
    assert len(service.received) == 1
    clock.now += 0.2
    await gallery.post(*GHOST)
    assert len(service.posts) == 1


@pytest.mark.parametrize(
    ("asked", "seconds"), [(None, 1), ("soon", 1), ("-5", 1), ("nan", 1), ("1e9", 3600), ("7.5", 7.5)]
)
async def test_how_long_to_wait_is_sensible(gallery, service, clock, asked, seconds):
    """No nonsense from Discord makes us wait for ever, or not at all."""
    service.scripted = Reply(429, "{}", headers={"retry-after": asked} if asked else {})
    with pytest.raises(Unavailable):
        await gallery.post(*GHOST)
    service.trouble()
    clock.now += seconds - 0.01
    with pytest.raises(Unavailable, match="wait"):
        await gallery.post(*GHOST)
    clock.now += 0.02
    await gallery.post(*GHOST)


@pytest.mark.parametrize("status", ["401", "403", "404", "400", "413"])
async def test_a_webhook_that_is_gone_is_refused(gallery, service, status):
    """Trying again changes nothing; the operator is told what to check."""
    service.trouble(status)
    with pytest.raises(
        Refused, match=f"answers {status}.*" + ("WEBHOOK" if status in {"401", "403", "404"} else "")
    ):
        await gallery.post(*GHOST)
    assert not service.posts


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, {"message": "Unknown Webhook", "code": 10015}, "_URL; it says: Unknown Webhook"),
        (
            400,
            {
                "message": "Invalid Form Body",
                "code": 50035,
                "errors": {"content": {"_errors": [{"code": "LONG", "message": "Must be 2000 or fewer."}]}},
            },
            "400); it says: Invalid Form Body; Must be 2000 or fewer.",
        ),
        (400, {"content": ["too\nlong"]}, r'it says: {"content": ["too\nlong"]}'),
        (413, "Request entity\r\n too large\x1b[2J", r"413); it says: Request entity too large\x1b[2J"),
        (403, "<html>Attention Required!</html>", "_URL"),
        (400, "", "400)"),
        (400, "[" * 100_000, "it says: [[["),
    ],
)
async def test_the_reason_of_a_refusal_is_passed_on(gallery, service, status, body, told):
    """The operator reads what Discord says, on one printable line of bounded length."""
    text = body if isinstance(body, str) else json.dumps(body)
    service.scripted = Reply(status, text, "application/json")
    with pytest.raises(Refused) as refusal:
        await gallery.post(*GHOST)
    said = str(refusal.value)
    assert told in said
    assert said.isprintable()
    assert len(said) < 500
    assert ("it says" in said) == ("it says" in told)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
async def test_any_success_is_one(gallery, service, status):
    """Whatever success Discord, or what stands before it, answers: it is posted, and in no doubt."""
    service.scripted = Reply(status)
    await gallery.post(*GHOST)


async def test_a_thread_of_the_channel_is_kept(service):
    """What the webhook's URL says besides its path is sent as it is."""
    async with opened_gallery(f"{service.webhook_url}?thread_id=7") as gallery:
        await gallery.post(*GHOST)
    assert service.received[0].query == {"thread_id": "7", "wait": "true"}
    assert service.received[0].path == PATH


async def test_connections_are_few_and_end(service):
    """Connections are few and end, however many ghosts are posted, and whatever becomes of them."""
    async with opened_gallery(service.webhook_url, answer_seconds=3.0) as gallery:
        for failure in (None, "cut", "500", "drip", None):
            service.trouble(failure, share=0.5)
            await asyncio.gather(*(gallery.post(*GHOST) for _ in range(15)), return_exceptions=True)
        assert len(service.received) == 75
    await until(lambda: not service.connections)


async def test_the_webhook_is_told_to_nobody(gallery, service, caplog):
    """Neither an error nor our logs show the webhook's URL, since whoever knows it may post."""
    told = ""
    for failure in (None, "cut", "404", "500", "refuse"):
        service.trouble(failure)
        for outcome in await asyncio.gather(gallery.post(*GHOST), return_exceptions=True):
            told += f"{outcome!r} {getattr(outcome, '__cause__', None)!r}"
    assert PATH not in told + repr(gallery) + caplog.text
