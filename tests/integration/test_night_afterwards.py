"""A simulated night, looked at afterwards: over HTTP, and on its page in a real browser."""

import json
import re
from contextlib import ExitStack
from datetime import datetime, timedelta

import httpx
import psycopg
import pytest
from attrs import frozen

from support import auth_service, twitch
from support.answers import said
from support.auth_service import SHARED_SECRET, Auth
from support.axe import axe_script, violations
from support.databases import fresh_database
from support.following import await_some
from support.history import KEEP_GHOST
from support.in_process import run_here, running_here
from support.server import SECRET, environment
from support.twitch import Twitch

HOST = {"authorization": f"Bearer {auth_service.BROADCASTER}"}
HOSTILE = '"><img src=x onerror="window.hacked=1"> @everyone **x**'
LINE = re.compile(r"\d+:[0-5]\d:[0-5]\d .+")
# A night of the predecessor, with a tape and a ghost.
OF_OLD = """
    insert into showtime.broadcast (id, started_at, ended_at) values (1, %(at)s, %(at)s + interval '3 hours');
"""
TAPE_OF_OLD = """
    insert into showtime.screening (id, broadcast_id, tape_id, started_at, ended_at)
    values ('00000000-0000-0000-0000-000000000001', 1, 13, %(at)s, %(at)s + interval '1 hour')
"""


@frozen
class Place:
    """A channel with two nights: the predecessor's, and a simulated one."""

    url: str
    host: httpx.Client
    conninfo: str
    night: int


@pytest.fixture(scope="module")
def chrome(chrome):
    """Give the browser of all tests, and leave it without the token that is sent along here."""
    yield chrome
    chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    chrome.get("about:blank")


@pytest.fixture(scope="module")
def place(postgres_server, tmp_path_factory):
    """Simulate a whole night, after one of the predecessor's."""
    with ExitStack() as stack:
        conninfo = stack.enter_context(fresh_database(postgres_server.conninfo))
        auth = stack.enter_context(Auth())
        settings = {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET}
        at = {"at": datetime.fromisoformat("2026-03-06T20:00:00Z")}
        with psycopg.connect(conninfo, autocommit=True) as connection:
            connection.execute(OF_OLD, at)
            connection.execute(TAPE_OF_OLD, at)
            connection.execute(KEEP_GHOST, ghost(at["at"] + timedelta(minutes=5), HOSTILE))
        server = stack.enter_context(running_here(conninfo, settings))
        client = stack.enter_context(httpx.Client(base_url=server.url, headers=HOST, timeout=20))
        where = ["--url", f"{server.url}/callback", "--secret", SECRET, "--token", auth_service.BROADCASTER]
        played = run_here(
            "simulate", "night", "--speed", "100000", "--seed", "7", *where,
            names=environment(conninfo), folder=tmp_path_factory.mktemp("night"),
        )  # fmt: skip
        assert played.returncode == 0, played.stdout
        yield Place(
            server.url, client, conninfo, client.get("/admin/nights?limit=1").json()["nights"][0]["id"]
        )


def ghost(at, subject):
    return {
        "id": "00000000-0000-0000-0000-000000000002",
        "viewer": "4201",
        "name": HOSTILE,
        "screening": "00000000-0000-0000-0000-000000000001",
        "subject": subject,
        "at": at,
        "done": at,
        "error": None,
        "urls": ["https://ghosts.example.com/a-00.jpg"],
    }


def times(recording):
    return [datetime.fromisoformat(recording[key]) for key in ("startedAt", "endedAt")]


# --- over HTTP ----------------------------------------------------------------------------------


def test_a_simulated_night_is_told_as_it_was_played(place):
    """The timeline of a simulated night has its tapes, its drop-out, its two streams, and all who came."""
    night = place.host.get(f"/admin/nights/{place.night}/timeline").json()
    first, second = night["recordings"]
    [out] = night["dropOuts"]
    assert times(first)[1] == datetime.fromisoformat(out["startedAt"])
    assert times(second)[0] == datetime.fromisoformat(out["endedAt"])
    assert first["streamId"] != second["streamId"]
    history = place.host.get(f"/history/{place.night}").json()
    told = [{key: on[key] for key in ("tapeId", "startedAt", "endedAt")} for on in night["screenings"]]
    assert told == [{key: on[key] for key in told[0]} for on in history["screenings"]]
    with psycopg.connect(place.conninfo) as connection:
        rows = connection.execute(
            "select payload ->> 'type', count(*) from showtime.feed where stream = 'alerts' group by 1"
        ).fetchall()
    shown = dict(rows)
    kinds = [moment["kind"] for moment in night["moments"]]
    assert (kinds.count("follow"), kinds.count("bits")) == (shown["follow"], shown["cheer"])
    assert kinds.count("gift") == shown["gift-sub"]
    assert night["figures"]["follows"] == kinds.count("follow") > 0
    assert night["figures"]["bits"] == sum(m["number"] for m in night["moments"] if m["kind"] == "bits")
    assert night["unknown"] == []


def test_nights_are_compared(place):
    """Past nights are listed with their figures; of the predecessor's only tapes and ghosts are known."""
    newest, oldest = place.host.get("/admin/nights").json()["nights"]
    assert (newest["id"], oldest["id"]) == (place.night, 1)
    assert newest["figures"] == place.host.get(f"/admin/nights/{place.night}/timeline").json()["figures"]
    assert oldest["figures"]["ghosts"] == oldest["figures"]["tapes"] == 1
    assert oldest["figures"]["seconds"] == 3 * 3600
    assert {oldest["figures"][name] for name in ("follows", "bits", "subs", "raids", "viewers")} == {None}
    assert oldest["unknown"] == [
        "The journal has nothing of this night: only its tapes and their ghosts are known."
    ]
    assert place.host.get(f"/admin/nights?before={place.night}").json()["nights"] == [oldest]
    assert len(place.host.get("/admin/nights?limit=1").json()["nights"]) == 1


def test_marks_are_given_for_each_stream(place):
    """Each stream has marks of its own as WebVTT, and the text has all of them, each below its title."""
    night = f"/admin/nights/{place.night}"
    text = place.host.get(f"{night}/marks.txt")
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    parts = [part.splitlines() for part in text.text.split("\n\n")]
    assert len(parts) == 2
    for number, (title, *lines) in enumerate(parts, 1):
        assert f"recording {number} of 2" in title
        assert lines[0].startswith("0:00:00 ")
        assert all(LINE.fullmatch(line) for line in lines)
        vtt = place.host.get(f"{night}/marks.vtt", params={"part": number})
        assert vtt.headers["content-type"] == "text/vtt; charset=utf-8"
        assert f'filename="night-{place.night}-stream-{number}.vtt"' in vtt.headers["content-disposition"]
        assert vtt.text.startswith("WEBVTT\n\nNOTE\n")
        assert vtt.text.count(" --> ") == len(lines)
        alone = place.host.get(f"{night}/marks.txt", params={"part": number})
        assert alone.text.splitlines() == lines
    assert place.host.get(f"{night}/marks.vtt").text == place.host.get(f"{night}/marks.vtt?part=1").text


def test_marks_are_moved_and_chosen(place):
    """An offset is added to each time, by the stream's clock or the tape's; and kinds are chosen."""
    night = f"/admin/nights/{place.night}"
    moved = place.host.get(f"{night}/marks.txt", params={"part": 1, "offset": "3600.5"}).text
    assert moved.startswith("1:00:00 The shop opens\n")
    chosen = {"kinds": ["tape", "drop-out"], "part": 1}
    lines = place.host.get(f"{night}/marks.txt", params=chosen).text.splitlines()
    assert [line.split()[1] for line in lines] == ["Tape", "Tape", "Drop-out,"]
    assert place.host.get(f"{night}/marks.txt?kinds=moon").status_code == 400
    by_tape = place.host.get(f"{night}/marks.txt?clock=tape").text.split("\n\n")
    assert [part.splitlines()[1].split()[:2] for part in by_tape] == [["0:00:00", "Tape"]] * len(by_tape)
    assert len(by_tape) == place.host.get(f"{night}/timeline").json()["figures"]["tapes"]


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/admin/nights/live/timeline", (404, "no broadcast is currently live")),
        ("/admin/nights/99/timeline", (404, "no such broadcast")),
        ("/admin/nights/1e9/summary", (400, "broadcast ID must be an integer")),
        ("/admin/nights?before=99", (404, "no such broadcast")),
        ("/admin/nights?before=x", (400, "before: Expected `int`, got `str`")),
        ("/admin/nights/1/marks.vtt?part=2", (404, "no such part: there are 1")),
        ("/admin/nights/1/marks.txt?clock=wall", (400, "no such clock: choose stream or tape")),
    ],
)
def test_what_cannot_be_told_is_refused(place, path, answer):
    """What is not there, or makes no sense, is refused with the reason."""
    assert said(place.host.get(path)) == answer


@pytest.mark.parametrize("offset", ["nan", "inf", "-inf", "1e9", "-86401", "soon"])
def test_an_offset_is_a_number_of_seconds_within_a_day(place, offset):
    """An offset that no recording can have is refused, and is no fault of ours."""
    for name in ("marks.vtt", "marks.txt"):
        assert place.host.get(f"/admin/nights/1/{name}", params={"offset": offset}).status_code == 400


@pytest.mark.parametrize("path", ["", "/1/timeline", "/1/summary", "/1/marks.vtt", "/1/marks.txt"])
def test_nights_are_for_the_host_alone(place, path):
    """Nobody but the host reads them, and no cache keeps them."""
    url = f"{place.url}/admin/nights{path}"
    viewer = {"authorization": f"Bearer {auth_service.VIEWER}"}
    assert httpx.get(url, headers=viewer).status_code == 403
    assert httpx.get(url).status_code == 400
    assert place.host.get(url).headers["cache-control"] == "no-store"


def test_a_summary_pings_nobody(place):
    """What a viewer typed stands in the summary as it is, and mentions nobody, formats and links nothing."""
    answer = place.host.get("/admin/nights/1/summary")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "@everyone" not in answer.text
    assert "@\u200beveryone \\*\\*x\\*\\*" in answer.text
    assert len(answer.text) <= 2000


def test_a_night_on_the_air_has_a_timeline(migrated):
    """While a night is on the air it is there as `live`, until now; then no more."""
    raider = {f"from_broadcaster_{key}": value for key, value in twitch.viewer(HOSTILE).items()}
    with (
        Auth() as auth,
        running_here(migrated, {"AUTH_URL": auth.url, "AUTH_SHARED_SECRET": SHARED_SECRET}) as server,
        httpx.Client(base_url=server.url, headers=HOST, timeout=20) as host,
    ):
        Twitch(server.url, host).send(twitch.online("90001"))
        raid = twitch.message("channel.raid", raider | {"viewers": 3})
        Twitch(server.url, host).send(twitch.follow("VHSVera"), raid)
        live = host.get("/admin/nights/live/timeline").json()
        assert live["endedAt"] is None
        assert live["until"] >= live["startedAt"]
        assert sorted(moment["username"] for moment in live["moments"]) == sorted(["VHSVera", HOSTILE])
        summary = host.get("/admin/nights/live/summary").text
        assert "so far" in summary
        assert "@everyone" not in summary
        assert "raids with 3" in host.get("/admin/nights/live/marks.txt").text
        Twitch(server.url, host).send(twitch.offline())
        assert host.get("/admin/nights/live/timeline").status_code == 404
        assert host.get(f"/admin/nights/{live['id']}/timeline").json()["endedAt"]


# --- on the page --------------------------------------------------------------------------------


def open_page(chrome, place, path, width, height=900):
    """Open a page as the host does, and wait until it is there."""
    chrome.execute_cdp_cmd("Network.enable", {})
    chrome.execute_cdp_cmd(
        "Network.setExtraHTTPHeaders", {"headers": {"Authorization": HOST["authorization"]}}
    )
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    chrome.get(f"{place.url}/{path}")
    await_some(lambda: chrome.execute_script("return !document.querySelector('main[aria-busy]')"))
    chrome.execute_async_script("document.fonts.ready.then(() => setTimeout(arguments[0], 300))")


@pytest.mark.parametrize(
    ("path", "width"),
    [
        ("nights", 360),
        ("nights?night={night}", 360),
        ("nights?night=1", 390),
    ],
)  # and at a desk in tests/soak
def test_the_pages_are_open_to_everybody(chrome, place, path, width):
    """Axe finds nothing on the list nor on a night, and nothing must be scrolled sideways; markup is text."""
    open_page(chrome, place, path.format(night=place.night), width)
    chrome.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert violations(chrome, axe_script()) == {}
    assert chrome.execute_script("return document.documentElement.scrollWidth") <= width
    assert chrome.execute_script("return window.hacked") is None
    small = """return [...document.querySelectorAll('a, button, input, select, summary')].filter((each) => {
        const { width, height } = each.getBoundingClientRect(); return Math.min(width, height) < 44;
    }).map((each) => each.outerHTML)"""
    assert chrome.execute_script(small) == []


@pytest.mark.parametrize("width", [390])  # and at a desk in tests/soak
def test_a_night_is_looked_at(chrome, place, width):
    """A night shows its timeline as a picture and as a table, its receipt, and its marks as given."""
    open_page(chrome, place, f"nights?night={place.night}", width)
    night = place.host.get(f"/admin/nights/{place.night}/timeline").json()
    drawn = "return document.querySelectorAll(arguments[0]).length"
    for name, kind in ((".follow", "follow"), (".raid", "raid"), (".sub", "sub"), (".gift", "gift")):
        wanted = sum(moment["kind"] == kind for moment in night["moments"])
        assert chrome.execute_script(drawn, f"svg {name}") == wanted, kind
    assert chrome.execute_script(drawn, "svg rect.tape") == len(night["screenings"])
    assert chrome.execute_script(drawn, "svg .drop-out") == 1
    chrome.execute_script("document.querySelector('summary').click()")
    await_some(lambda: chrome.execute_script(drawn, "tbody tr"))
    told = len(night["moments"]) + len(night["screenings"]) + len(night["dropOuts"])
    assert chrome.execute_script(drawn, "tbody tr") == told
    assert f"{night['figures']['bits']:,}" in chrome.find_element("css selector", ".receipt").text
    text = place.host.get(f"/admin/nights/{place.night}/marks.txt").text
    shown = """return [...document.querySelectorAll('.marks li')].map(
        (each) => each.innerText.replace(/\\s+/, ' '))"""
    assert await_some(lambda: chrome.execute_script(shown)) == [
        line for line in text.splitlines() if LINE.fullmatch(line)
    ]


def test_marks_are_moved_on_the_page(chrome, place):
    """A typed offset moves the marks that are shown and those that are saved; and a clock is chosen."""
    open_page(chrome, place, f"nights?night={place.night}", 1280)
    first = "return document.querySelector('.marks .time')?.textContent"
    await_some(lambda: chrome.execute_script(first) == "0:00:00")
    offset = chrome.find_element("id", "offset")
    offset.clear()
    offset.send_keys("61.5")
    await_some(lambda: chrome.execute_script(first) == "0:01:01")
    links = "return [...document.querySelectorAll('.saves a')].map((each) => each.getAttribute('href'))"
    night = f"admin/nights/{place.night}"
    assert await_some(lambda: chrome.execute_script(links)) == [
        f"{night}/marks.txt?offset=61.5&clock=stream",
        f"{night}/marks.vtt?offset=61.5&clock=stream&part=1",
        f"{night}/marks.vtt?offset=61.5&clock=stream&part=2",
    ]
    chrome.execute_script("const by = document.getElementById('clock'); by.value = 'tape'; by.onchange();")
    await_some(lambda: "screening 1 of" in chrome.find_element("css selector", ".marks").text)


def test_the_summary_is_copied(chrome, place):
    """One key copies the summary as it is given; where a browser forbids it, it is selected to be copied."""
    open_page(chrome, place, f"nights?night={place.night}", 390)
    chrome.execute_script("navigator.clipboard.writeText = async (words) => { window.copied = words; }")
    summary = place.host.get(f"/admin/nights/{place.night}/summary").text
    key = "[...document.querySelectorAll('button')].find((each) => each.textContent === 'Copy for Discord')"
    chrome.execute_script(f"{key}.click()")
    assert await_some(lambda: chrome.execute_script("return window.copied")) == summary
    chrome.execute_script(
        "navigator.clipboard.writeText = async () => { throw new DOMException('no', 'NotAllowedError'); };"
        "document.execCommand = () => false;"
    )
    chrome.execute_script(f"{key}.click()")
    chosen = "const one = document.querySelector('textarea:not([hidden])'); return one && one.value"
    assert await_some(lambda: chrome.execute_script(chosen)) == summary


def test_who_is_not_signed_in_is_told(chrome, place):
    """Without a session the page says what to do; where there is no way in, the console says why."""
    chrome.execute_cdp_cmd("Network.setExtraHTTPHeaders", {"headers": {}})
    chrome.get(f"{place.url}/nights?night=1")
    link = "return document.querySelector('a.main')?.getAttribute('href')"
    assert await_some(lambda: chrome.execute_script(link)) == "console"
    assert violations(chrome, axe_script()) == {}


HOSTILE_TIMELINE = {
    "id": 7,
    "startedAt": "2026-10-30T20:00:00Z",
    "endedAt": None,
    "until": "2026-10-30T21:00:00Z",
    "vodUrl": HOSTILE,
    "recordings": [{"streamId": HOSTILE, "startedAt": "2026-10-30T20:00:00Z", "endedAt": None}],
    "dropOuts": [{"startedAt": "2026-10-30T20:10:00Z", "endedAt": "2026-10-30T20:11:00Z"}],
    "screenings": [
        {"id": "x", "tapeId": HOSTILE, "startedAt": "2026-10-30T20:05:00Z", "endedAt": None},
    ],
    "moments": [
        {
            "kind": kind,
            "at": f"2026-10-30T20:{20 + number}:00Z",
            "until": None,
            "username": HOSTILE,
            "number": 3,
            "words": HOSTILE,
        }
        for number, kind in enumerate(
            (
                "follow",
                "bits",
                "sub",
                "gift",
                "ghost",
                "raid",
                "hype-train",
                "ad-break",
                "watch-streak",
                "moon",
            )
        )
    ],
    "figures": dict.fromkeys(("tapes", "follows", "bits", "ghosts", "raids", "dropOuts"), 1),
    "unknown": [],
}


@pytest.mark.parametrize("width", [390, 1280])
def test_no_words_of_a_timeline_stand_on_others(chrome, place, width):
    """Raids, gifts and drop-outs that come at once are named one beside the other, or in the table alone."""
    open_page(chrome, place, "nights?night=1", width)
    at_once = {"at": "2026-10-30T20:59:00Z", "until": None, "username": "Pete", "number": 1_234_567}
    moments = [{"kind": kind, "words": "", **at_once} for kind in ("raid", "gift") for _ in range(4)]
    out = {"startedAt": "2026-10-30T20:40:00Z", "endedAt": "2026-10-30T20:41:00Z"}
    timeline = {**HOSTILE_TIMELINE, "screenings": [], "moments": moments, "dropOuts": [out] * 3}
    said, on_others = chrome.execute_async_script(ON_OTHERS, timeline)
    assert said.count("1,234,567 people") in (1, 2)
    assert on_others == []


ON_OTHERS = """
    const [timeline, done] = arguments;
    import("./pages/timeline.js").then(({ drawTimeline }) => {
      const place = document.querySelector("main").appendChild(document.createElement("div"));
      drawTimeline(place, timeline);
      const found = [...place.querySelectorAll("svg text")].map((each) => [each.textContent, each.getBBox()]);
      const apart = (a, b) => a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      const pairs = found.flatMap(([one, a], place) => found.slice(place + 1).filter(([, b]) => !apart(a, b)).map(([other]) => [one, other]));
      done([found.map(([words]) => words), pairs]);
    });
"""  # noqa: E501 - lines of JavaScript


def test_whatever_a_timeline_says_is_text(chrome, place):
    """Markup in any field of a timeline is shown as typed, and does nothing; a redraw keeps its table."""
    open_page(chrome, place, "nights?night=1", 1280)
    told = chrome.execute_async_script(
        """
        const [timeline, done] = arguments;
        import("./pages/timeline.js").then(({ drawTimeline }) => {
          const place = document.createElement("div");
          document.querySelector("main").append(place);
          drawTimeline(place, timeline);
          place.querySelector("details").open = true;
          drawTimeline(place, timeline);
          setTimeout(() => done({ rows: place.querySelectorAll("tbody tr").length, text: place.innerText,
            pictures: place.querySelectorAll("svg").length,
            images: place.querySelectorAll("img, script").length }), 100);
        });
        """,
        json.loads(json.dumps(HOSTILE_TIMELINE)),
    )
    assert (told["rows"], told["pictures"], told["images"]) == (12, 1, 0)
    assert HOSTILE in told["text"]
    assert chrome.execute_script("return window.hacked") is None
