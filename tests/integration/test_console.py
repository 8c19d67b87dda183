"""The console in a real browser, on a laptop with everything: a night is run from a phone and from a desk."""

from contextlib import ExitStack

import httpx
import pytest
from attrs import define, field
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from support.axe import axe_script, violations
from support.dev import Dev, developing
from support.following import await_some
from support.server import free_port
from support.show import Overlay

PHONE, DOCK, DESK = 390, 360, 1280
HOSTILE = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
NO_POLLS = "window.setInterval = () => 0"
RELEASE = "[aria-label^='Release: HeldHannah']"
PLACES = ("before", "address", "rules", "people", "simulate", "keyboard")
FIND = """
    const find = (name) => [...document.querySelectorAll(name)].find((each) => each.checkVisibility());
"""
CLICK = """
    const element = find(arguments[0]);
    element?.scrollIntoView({ block: "center", behavior: "instant" });
    element?.click();
    return element !== undefined;
"""
TARGETS = """
    const found = [...document.querySelectorAll("button, select, input, main a.key, nav a, header a")];
    const seen = found.filter((each) => each.checkVisibility() && each.type !== "checkbox");
    return seen.map((each) => [each.outerHTML.slice(0, 90), each.getBoundingClientRect()])
      .filter(([, { width, height }]) => Math.min(width, height) < 44 - .01).map(([what]) => what);
"""
CUT = """
    const found = [...document.querySelectorAll("main *")].filter((each) => each.checkVisibility()
      && !each.matches(".unseen, select, input") && getComputedStyle(each).overflowX === "hidden");
    return found.filter(({ scrollWidth, clientWidth, scrollHeight, clientHeight }) =>
      scrollWidth > clientWidth + 1 || scrollHeight > clientHeight + 2).map(({ innerText }) => innerText);
"""
"""Words of which a part is hidden."""
REACHED = """[...document.querySelectorAll("a, button, input, select, summary, [tabindex='0']")]
    .filter((each) => !each.disabled && each.checkVisibility())"""
FOCUSED = f"""
    const found = document.activeElement, {{ x, y, width, height }} = found.getBoundingClientRect();
    const on = document.elementFromPoint(x + width / 2, y + height / 2);
    const isSeen = found.contains(on) || (on?.contains(found) && on.matches("label"));
    const html = found.outerHTML.slice(0, 90);
    return [{REACHED}.indexOf(found), getComputedStyle(found).outlineWidth, isSeen, html];
"""
PARKED_GIFT = {"total": "21474837", "recipients": "0"}
"""Its points are more than any ledger can hold."""


@define
class Console:
    """A laptop that may be stopped, a browser with the console, and what happens at Twitch."""

    chrome: object
    dev: Dev
    token: str
    data_dir: object
    port: int
    settings: dict
    stack: ExitStack = field(factory=ExitStack)

    @property
    def client(self):
        headers = {"authorization": f"Bearer {self.token}"}
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=20)

    def ask(self, method, path, **options):
        with self.client as client:
            return client.request(method, path, **options).raise_for_status()

    def happen(self, event, **options):
        """Let something happen at Twitch."""
        self.ask("POST", "/local/simulate", json={"event": event, "options": options})

    def size(self, width, height=900):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)

    def open(self, width=PHONE, place=""):
        """Open the console, and wait until it is told how things stand."""
        self.size(width)
        self.chrome.get("about:blank")
        self.chrome.get(f"http://127.0.0.1:{self.port}/console{place}")
        self.see(
            lambda: self.find("[data-key=enter]") or self.run("return document.body.className") == "inside"
        )
        if self.find("[data-key=enter]"):
            self.press("enter")
        self.see(lambda: self.find("#other .place" if place else "#keys button"))

    def run(self, script, *values):
        return self.chrome.execute_script(script, *values)

    def find(self, selector):
        """Find the first that is seen; it may be drawn anew at any time."""
        return self.run(FIND + "return find(arguments[0])", selector)

    def says(self, selector):
        """Give the words of the first that is seen; empty where there is none."""
        return self.run(FIND + "return find(arguments[0])?.innerText ?? ''", selector)

    def click(self, selector):
        """Click the first that is seen, as soon as there is one."""
        self.see(lambda: self.run(FIND + CLICK, selector))

    def press(self, name):
        """Press the key of this name, as soon as it may be pressed."""
        self.click(f'[data-key="{name}"]:not(:disabled)')

    def tab(self):
        """Go to what is next by keyboard."""
        for type_ in ("rawKeyDown", "keyUp"):
            key = {"type": type_, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
            self.chrome.execute_cdp_cmd("Input.dispatchKeyEvent", key)

    def see(self, look, seconds=30):
        return await_some(look, seconds)

    def text(self, name):
        return self.run("return document.getElementById(arguments[0]).innerText", name)

    def is_pressed(self, letter):
        return self.run(f"return document.querySelector('#keys [data-key={letter}]').ariaPressed") == "true"

    def reset(self):
        """Leave a show that is on the air, with nothing set, held or waiting, and nobody asking."""
        for row in self.ask("GET", "/admin/night?limit=200").json()["rows"]:
            for alert in row["alerts"]:
                if alert["state"] == "held":
                    self.ask("POST", "/show/commands/release", json={"alert": alert["id"]})
        for ghost in self.ask("GET", "/admin/ghosts").json()["ghosts"]:
            self.ask("POST", f"/admin/ghosts/{ghost['id']}/refuse")
        for name in ("resume", "unmute", "end-safe-mode", "clear"):
            self.ask("POST", f"/show/commands/{name}")


@pytest.fixture(scope="module")
def desk(chrome, tmp_path_factory):
    """Run a laptop on which every ghost waits for its host, with the browser signed in by a click."""
    data_dir, port = tmp_path_factory.mktemp("console") / "data", free_port()
    settings = {"GHOST_APPROVAL": "on"}
    with ExitStack() as stack:
        dev = stack.enter_context(developing(data_dir, "--port", str(port), **settings))
        desk = Console(chrome, dev, dev.token("broadcaster"), data_dir, port, settings, stack)
        chrome.execute_cdp_cmd(
            "Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]}
        )
        desk.happen("stream.online")
        yield desk
        chrome.get("about:blank")
        desk.stack.close()


@pytest.fixture
def console(desk):
    """Give a show that is on the air, with nothing set and nothing waiting, and a browser with no page."""
    desk.reset()
    desk.chrome.get("about:blank")
    return desk


@pytest.mark.parametrize("width", [PHONE])  # and at a desk in tests/soak
def test_a_night_is_run_from_the_console_alone(console, width):
    """An address, a tape, pause, skip, again, safe mode, a ghost, what is parked, a test, a summary."""
    console.open(width, "#address")
    console.press("make")
    address = console.see(lambda: console.says(".secret"))
    console.run("location.hash = ''")
    with console.client as client:
        overlay = Overlay(client, address.partition("#secret=")[2], name=f"obs{width}")

        console.see(lambda: console.find("#tape-number")).send_keys(str(width), Keys.ENTER)
        console.see(lambda: f"{width} is in" in console.text("tape-about"))

        console.happen("channel.cheer", from_user="LateFeeLarry", bits="150", message="Keep the change.")
        overlay.play()
        console.see(lambda: "LateFeeLarry" in console.text("screen") and "150 bits" in console.text("screen"))
        console.press("s")
        console.see(lambda: "PLAY" not in console.text("screen"))
        console.press("a")
        assert overlay.play()["isAgain"]
        console.see(lambda: "again" in console.text("screen"))
        console.press("s")

        console.press("p")
        console.see(lambda: console.is_pressed("p") and "Paused since" in console.text("paused"))
        console.happen("channel.follow", from_user="RewindRita")
        console.see(lambda: "RewindRita" in console.text("waiting"))
        assert overlay.ask()["wait"] == "paused"
        console.press("p")
        console.see(lambda: not console.is_pressed("p") and console.text("paused") == "")
        assert overlay.play()["alert"]["data"]["username"] == "RewindRita"
        console.press("s")

    console.press("f")
    console.see(lambda: console.is_pressed("f"))

    subject = f"a moose of {width}"
    console.happen("channel.cheer", from_user="VHSVera", bits="200", message=f"ghost of {subject}")
    console.see(lambda: subject in console.text("asking-list"))
    console.click("[data-key^=approve-]")
    console.see(lambda: not console.find("#asking"))
    console.see(lambda: show_news(console) or subject in console.text("feed"))

    console.happen("channel.subscription.gift", from_user="PublicAccessPete", **PARKED_GIFT)
    console.see(lambda: "PublicAccessPete" in console.text("parked"))
    console.click("[data-key^=dismiss-]")
    console.see(lambda: "Nothing is parked" in console.text("parked"))

    console.press("test-raid")
    console.see(lambda: "Test Pattern" in console.text("waiting") and "test" in console.text("waiting"))

    console.press("summary")
    console.see(lambda: f"a moose of {width}" in clipboard(console))


def show_news(console):
    """Let in what waits behind the key for what is new; nothing is told of it."""
    console.run(FIND + CLICK, "[data-key=news]")


def clipboard(console):
    """Read what was copied."""
    return console.chrome.execute_async_script(
        "navigator.clipboard.readText().then(arguments[0], () => arguments[0](''))"
    )


def test_two_consoles_agree(console):
    """What is done on one is pushed to the other: modes, a hold, a mark, and what is parked."""
    console.open()
    first = console.chrome.current_window_handle
    console.happen("channel.cheer", from_user="HeldHannah", bits="100")
    console.happen("channel.subscription.gift", from_user="PublicAccessPete", **PARKED_GIFT)
    console.chrome.switch_to.new_window("window")
    second = console.chrome.current_window_handle
    try:
        console.chrome.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": NO_POLLS})
        console.open(DESK)
        console.see(lambda: "HeldHannah" in console.text("waiting"))
        console.chrome.switch_to.window(first)
        console.press("m")
        console.click("[aria-label^='Hold: HeldHannah']")
        console.see(lambda: show_news(console) or "HeldHannah" in console.text("feed"))
        # By its number: what comes late may stand above it, and waits behind a key at the other console.
        rows = console.ask("GET", "/admin/night?limit=200").json()["rows"]
        row = next(row["id"] for row in rows if row["who"] == "HeldHannah")
        console.press(f"row-{row}")
        console.press(f"handled-{row}")
        console.chrome.switch_to.window(second)
        console.see(lambda: console.is_pressed("m") and console.find(RELEASE))
        console.see(lambda: "HeldHannah" in console.says(".row.handled"))
        console.press("m")
        console.click(RELEASE)
        console.see(lambda: "PublicAccessPete" in console.text("parked"))
        console.chrome.switch_to.window(first)
        console.see(lambda: not console.is_pressed("m") and not console.find(RELEASE))
        console.click("[data-key^=dismiss-]")
        console.chrome.switch_to.window(second)
        console.see(lambda: "Nothing is parked" in console.text("parked"))
    finally:
        console.chrome.switch_to.window(second)
        console.chrome.close()
        console.chrome.switch_to.window(first)


def test_a_restart_needs_no_reload(console):
    """While the server is away the bar says so; when it is back, all goes on as it was, and keys work."""
    console.open()
    console.press("p")
    console.see(lambda: console.is_pressed("p"))
    console.run("window.loaded = 'once'")
    console.stack.close()
    console.see(lambda: "No answer" in console.text("lamps"))
    console.press("m")
    console.see(lambda: "does not answer" in console.text("notices"))
    console.dev = console.stack.enter_context(
        developing(console.data_dir, "--port", str(console.port), **console.settings)
    )
    console.see(lambda: "No answer" not in console.text("lamps"))
    assert console.is_pressed("p")
    console.press("p")
    console.see(lambda: not console.is_pressed("p"))
    assert console.run("return window.loaded") == "once"


def test_what_is_new_waits_and_a_row_unfolds(console):
    """New rows wait behind a key, so that no row moves; a row unfolds; kinds are chosen; a row is handled."""
    console.happen("channel.follow", from_user="OldOlaf")
    console.open()
    console.see(lambda: "OldOlaf" in console.text("feed"))
    before = console.text("feed")
    for name in ("NewNina", "NewNick"):
        console.happen("channel.follow", from_user=name)
    console.see(lambda: "2 new" in console.text("news"))
    assert console.text("feed") == before
    console.chrome.find_element(By.TAG_NAME, "body").send_keys("n")
    console.see(lambda: "NewNick" in console.text("feed") and console.text("news") == "")
    console.click(".row .unfold")
    console.see(lambda: "by Twitch" in console.says(".details"))
    console.click("[data-key^=handled-]")
    console.see(lambda: console.find(".row.handled"))
    console.press("filter-Tapes")
    console.see(lambda: "NewNick" not in console.text("feed") and "Reading" not in console.text("feed"))
    console.press("filter-Follows")
    console.see(lambda: "NewNick" in console.text("feed"))


def test_a_gift_is_one_row_with_its_recipients(console):
    """A gift of many subscriptions is one row, which names those who got one when it unfolds."""
    console.happen("channel.subscription.gift", from_user="GiverGus", total="4")
    console.open()
    console.see(lambda: "4 gift subs, 4 rows folded" in console.text("feed"))
    assert "received a gift sub" not in console.text("feed")
    console.click(".row .unfold")
    console.see(lambda: console.says(".details").count(",") >= 3)


def test_what_a_viewer_typed_is_text(console):
    """Markup in a name, a message, a ghost, a title and what is parked is shown as it was typed."""
    console.happen("channel.cheer", from_user=HOSTILE, bits="100", message=HOSTILE)
    console.happen("channel.cheer", from_user=HOSTILE, bits="200", message=f"ghost of {HOSTILE}")
    console.happen("channel.update", title=HOSTILE, category_name=HOSTILE)
    console.happen("channel.subscription.gift", from_user=HOSTILE, **PARKED_GIFT)
    console.open()
    for place in ("waiting", "feed", "parked", "asking-list"):
        console.see(lambda place=place: "<script>" in console.text(place))
    rows = console.run("return document.querySelectorAll('.row').length")
    for number in range(1, rows + 1):
        console.click(f".row:nth-child({number}) [aria-expanded=false], .row:nth-child({number}) .details")
    console.see(lambda: console.text("feed").count("Said") >= 2)
    assert console.text("feed").count(HOSTILE) > rows / 2
    assert console.run("return document.querySelectorAll('main img, main script, [onerror]').length") == 0
    assert console.run("return window.hacked") is None
    console.run(
        "for (const key of document.querySelectorAll('[data-key^=dismiss-], [data-key^=refuse-]'))key.click()"
    )
    console.see(lambda: "Nothing is parked" in console.text("parked"))


def test_letters_are_keys_but_not_while_one_types(console):
    """Each of the five keys has a letter, which does nothing in a field; Escape closes what is open."""
    console.open()
    body = console.chrome.find_element(By.TAG_NAME, "body")
    for letter in ("p", "m", "f"):
        body.send_keys(letter)
        console.see(lambda letter=letter: console.is_pressed(letter))
    console.see(lambda: console.find("#tape-number")).send_keys("pmf")
    assert console.find("#tape-number").get_property("value") == "pmf"
    body.send_keys(Keys.CONTROL, "p")
    for letter in ("p", "m", "f"):
        assert console.is_pressed(letter)
    console.run("document.activeElement.blur()")
    body.send_keys("?")
    console.see(lambda: "Keyboard" in console.chrome.title)
    body.send_keys(Keys.ESCAPE)
    console.see(lambda: console.find("#screen"))
    console.find("#menu").send_keys(Keys.ENTER)
    console.see(lambda: console.find("#places a"))
    assert console.run("return document.activeElement.closest('#places') !== null")
    console.chrome.switch_to.active_element.send_keys(Keys.ESCAPE)
    console.see(lambda: not console.find("#places"))
    assert console.run("return document.activeElement.id") == "menu"


def test_a_key_keeps_the_focus_when_its_place_is_drawn_again(console):
    """Whoever presses a key by keyboard can press it again: what is drawn anew has the focus as before."""
    console.open()
    key = console.see(lambda: console.find("#keys [data-key=m]:enabled"))
    for wanted in (True, False):
        console.run("document.querySelector('#keys [data-key=m]').focus()")
        console.chrome.switch_to.active_element.send_keys(Keys.SPACE)
        console.see(lambda wanted=wanted: console.is_pressed("m") == wanted)
        assert console.run("return document.activeElement.dataset.key") == "m"
    assert key


@pytest.mark.parametrize("width", [PHONE])  # and at a desk in tests/soak
def test_every_key_is_reached_by_tab_and_seen(console, width):
    """Tab goes through all keys in the order of the page; each has a frame then, and stands behind no bar."""
    console.happen("channel.cheer", from_user="TabbedTom", bits="100")
    console.open(width)
    console.see(lambda: "TabbedTom" in console.text("feed") and "TabbedTom" in console.text("waiting"))
    still = {"features": [{"name": "prefers-reduced-motion", "value": "reduce"}]}
    console.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", still)
    try:
        number = len(console.run(f"return {REACHED}"))
        assert number > 30
        found = [console.tab() or console.run(FOCUSED) for _ in range(number)]
    finally:
        console.chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert [place for place, *_ in found] == list(range(number))
    assert [html for _, frame, is_seen, html in found if frame != "3px" or not is_seen] == []


@pytest.mark.parametrize("width", [PHONE])  # and at a desk in tests/soak
def test_the_console_is_open_to_everybody(console, width):
    """Axe finds nothing in any state, nothing is scrolled sideways, and every target has 44 pixels."""
    assert_every_state_is_open(console, width)


def assert_every_state_is_open(console, width):
    console.happen("channel.cheer", from_user="LateFeeLarry", bits="200", message="ghost of a fax machine")
    console.happen("channel.subscription.gift", from_user="PublicAccessPete", **PARKED_GIFT)
    console.ask("POST", "/show/commands/pause")
    console.happen("channel.raid", from_user="WWWW_The_longest_name_of_25", viewers="80")
    console.open(width)
    console.see(lambda: console.find("#asking") and console.find("#parked .card") and console.find(".row"))
    console.click(".row .unfold")
    console.click("[data-key^=hold-]")
    console.see(
        lambda: console.find(".details") and console.find(".spine.held") and console.find("#paused .card")
    )
    assert_is_open(console, width)
    console.click("#menu")
    assert_is_open(console, width)
    for place in PLACES:
        console.run("location.hash = arguments[0]", place)
        console.see(lambda place=place: console.find("#other .place") and is_filled(console, place))
        assert_is_open(console, width)
    console.run("for (const each of document.querySelectorAll('[data-key^=dismiss-]')) each.click()")
    console.ask("POST", "/show/commands/resume")


def is_filled(console, place):
    """Tell whether what a place shows has come."""
    wanted = {
        "before": ".link",
        "address": ".cards, .nothing",
        "rules": ".rule",
        "people": ".cards, .nothing",
    }
    return console.find(f"#other :is({wanted.get(place, 'dl, form select')})")


def assert_is_open(console, width):
    console.chrome.execute_async_script("document.fonts.ready.then(() => setTimeout(arguments[0], 100))")
    assert violations(console.chrome, axe_script()) == {}
    assert console.run("return document.documentElement.scrollWidth") <= width
    assert console.run(TARGETS) == []
    assert console.run(CUT) == []


def test_who_is_not_signed_in_sees_how_to(console):
    """After signing out the page shows the way in and nothing of the show; a click on it comes in again."""
    console.open()
    console.click("#menu")
    console.press("sign-out")
    console.see(lambda: console.find("[data-key=enter]"))
    assert not console.find("#show")
    assert not console.find("#keys")
    assert violations(console.chrome, axe_script()) == {}
    console.press("enter")
    console.see(lambda: console.find("#keys button"))


def test_the_panel_of_a_laptop_sends_events(console):
    """On a laptop the console sends what Twitch would send, with the options that are typed in."""
    console.open(PHONE, "#simulate")
    console.see(lambda: console.find("#event"))
    console.run(
        "const kind = document.getElementById('event'); kind.value = 'channel.raid';"
        "kind.dispatchEvent(new Event('change'))"
    )
    console.find("[data-option=from_user]").send_keys("PanelPaul")
    console.find("[data-option=viewers]").send_keys("77")
    console.press("send")
    console.see(lambda: "Sent: channel.raid" in console.says("#other .said"))
    console.run("location.hash = ''")
    console.see(lambda: show_news(console) or "PanelPaul" in console.text("feed"))
    assert "raid, 77 people" in console.text("feed")


def test_rules_are_set_and_an_address_is_withdrawn(console):
    """A rule is saved by its form, and holds; an address is withdrawn, after it was asked for once more."""
    console.open(PHONE, "#rules")
    field = console.see(lambda: console.find("#rule-raid-seconds"))
    field.clear()
    field.send_keys("12.5")
    console.press("save-raid")
    console.see(lambda: console.ask("GET", "/admin/show/rules").json()["rules"]["raid"]["seconds"] == 12.5)
    made = console.ask("POST", "/admin/show/secrets", json={"kind": "hotkey", "name": "Deck"}).json()
    console.open(PHONE, "#address")
    for _ in range(2):
        console.press(f"withdraw-{made['id']}")
    console.see(lambda: made["id"] not in console.ask("GET", "/admin/show/secrets").text)


def test_the_console_loads_nothing_from_elsewhere(console):
    """The page loads from where it stands, and from nowhere else."""
    console.open()
    loaded = console.run("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert loaded
    assert [url for url in loaded if not url.startswith(f"http://127.0.0.1:{console.port}/")] == []
