"""Every page is used by the keyboard alone: all is reached by Tab, seen where it is, and pressed."""

import pytest
from selenium.webdriver import ActionChains, Keys

from support import shared
from support.following import await_some
from support.server import rows

database = shared.database
server = shared.server

GHOSTS = 30
GHOST = "00000000-0000-4000-8000-000000000015"
PAID = """
    with whose as (
        insert into showtime.viewer (twitch_user_id, twitch_display_name) values ('1337', 'VHSVera')
    ), asked as (
        insert into showtime.image_request
        select ('00000000-0000-4000-8000-0000000000' || number)::uuid, '1337', null, 'a baby seal',
               'a prompt', now(), now() + number * interval '1 second', null
        from generate_series(10, 39) as number
        returning id
    ), painted as (
        insert into showtime.image select id, 0, '/pages/demo-ghost.svg' from asked
    )
    select count(*) from asked
"""
AMBER = "rgb(255, 196, 77)"
CONTROLS = """
    const found = document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]");
    return [...found].filter((each) => each.checkVisibility());
"""
FOCUSED = """
    const element = document.activeElement;
    if (element === document.body) return null;
    const { outlineStyle, outlineWidth, outlineColor } = getComputedStyle(element);
    const { top, bottom } = element.getBoundingClientRect();
    const isInView = top < innerHeight && bottom > 0;
    return { element, outline: [outlineStyle, outlineWidth, outlineColor], isInView };
"""


@pytest.fixture(scope="module")
def address(server, database):
    """A house with more ghosts than a page lists at once."""
    assert rows(database, PAID) == [(GHOSTS,)]
    return server.url


@pytest.fixture
def go(chrome, address):
    """Open a page, and wait until it has something to press."""

    def go(path):
        size = {"width": 1280, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        chrome.get(f"{address}{path}")
        return await_some(lambda: chrome.execute_script(CONTROLS))

    return go


def press(chrome, *keys):
    """Press keys, one after the other."""
    ActionChains(chrome).send_keys(*keys).perform()


def tab_to(chrome, words):
    """Press Tab until what begins with these words has the focus."""
    for _ in range(60):
        press(chrome, Keys.TAB)
        if chrome.switch_to.active_element.text.startswith(words):
            return
    raise AssertionError(f"nothing that begins with {words!r} is reached")


@pytest.mark.parametrize("path", ["/", "/ghosts", f"/ghosts?ghost={GHOST}", "/ghosts?ghost=nobody"])
def test_all_is_reached_by_tab_and_seen(chrome, go, path):
    """Tab comes to every control of a page, in the order of the page, and shows which one it is."""
    controls = go(path)
    reached = []
    for _ in controls:
        press(chrome, Keys.TAB)
        reached.append(chrome.execute_script(FOCUSED))
    assert [each["element"] for each in reached] == controls
    assert {tuple(each["outline"]) for each in reached} == {("solid", "3px", AMBER)}
    assert all(each["isInView"] for each in reached)


@pytest.mark.parametrize("path", ["/overlay?demo=1", "/overlay"])
def test_the_overlay_has_nothing_to_press(chrome, address, path):
    """The overlay is only looked at: no key comes to anything in it."""
    chrome.get(f"{address}{path}")
    press(chrome, Keys.TAB)
    assert chrome.execute_script(CONTROLS) == []
    assert chrome.execute_script(FOCUSED) is None


def test_enter_follows_a_link(chrome, go):
    """Enter opens the ghost that has the focus."""
    go("/ghosts")
    tab_to(chrome, "GHOST 30")
    press(chrome, Keys.ENTER)
    await_some(lambda: "ghost=" in chrome.current_url)
    await_some(lambda: chrome.execute_script("return document.querySelector('article.one') !== null"))


@pytest.mark.parametrize("key", [Keys.ENTER, Keys.SPACE])
def test_a_button_is_pressed_and_one_goes_on_from_there(chrome, go, key):
    """Enter and Space press a button; the focus goes to the first of what it has brought."""
    go("/ghosts")
    tab_to(chrome, "More ghosts")
    press(chrome, key)
    await_some(lambda: len(chrome.execute_script("return document.querySelectorAll('.box')")) == GHOSTS)
    await_some(lambda: chrome.switch_to.active_element.text.startswith("GHOST 6\n"))
