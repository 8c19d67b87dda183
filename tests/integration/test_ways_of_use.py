"""The four ways of use: each works in an environment that has only what it is said to need."""

import re
from pathlib import Path

import pytest

from support.clean_environment import lay_out, needed_for, run_alone

ROOT = Path(__file__).parents[2]
GUIDES = ROOT / "docs/how-to"
HARNESS = ROOT / "src/showtime_core/testing"
PAGE = (ROOT / "docs/reference/python.md").read_text("utf-8")
BUDGETS = [
    (module, int(count)) for module, count in re.findall(r"^\| `([\w.]+)` \| (\d+) \|", PAGE, re.MULTILINE)
]

OF_THE_BASE = ("showtime_core", "showtime_adapters.twitch", "showtime_adapters.wire")
RUN_PAGE = r"""
import doctest, pathlib, re
text = pathlib.Path(sys.argv[1]).read_text("utf-8").partition(sys.argv[2])[0] if sys.argv[2] else \
    pathlib.Path(sys.argv[1]).read_text("utf-8")
names, run = {"__name__": "guide"}, 0
for block in re.findall(r"^```python\n(.*?)^```", text, re.DOTALL | re.MULTILINE):
    run += 1
    if ">>>" in block:
        test = doctest.DocTestParser().get_doctest(block, names, f"block {run}", None, None)
        failed, _ = doctest.DocTestRunner().run(test, clear_globs=False)
        names.update(test.globs)
        assert not failed
    else:
        exec(compile(block, f"block {run}", "exec", dont_inherit=True), names)
print(run, "ran")
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Lay out what an extra needs, once."""
    made: dict[str, Path] = {}

    def lay(extra: str) -> Path:
        if extra not in made:
            made[extra] = tmp_path_factory.mktemp(f"only-{extra or 'base'}")
            lay_out(extra, made[extra])
        return made[extra]

    return lay


@pytest.mark.parametrize(
    ("extra", "guide", "until", "blocks"),
    [
        pytest.param("", "use-the-parts", "## Credit points", 3, id="the rules as a library"),
        pytest.param("server", "use-the-parts", "", 6, id="the neighbours as a library"),
        pytest.param("", "receive-in-your-own-service", "", 6, id="receiving"),
        pytest.param("", "test-with-the-harness", "## Draw what may happen", 2, id="the twins"),
        pytest.param("testing", "test-with-the-harness", "## Check what", 3, id="the harness"),
    ],
)
def test_the_examples_of_a_guide_need_no_more_than_it_says(environment, extra, guide, until, blocks):
    """Each example of a guide runs where nothing is installed but what the guide says."""
    ran = run_alone(environment(extra), RUN_PAGE, GUIDES / f"{guide}.md", until)
    assert (ran.returncode, ran.stdout.splitlines()[-1:]) == (0, [f"{blocks} ran"]), ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["simulate", "--help"], "channel.follow"),
        (["init", "--help"], "--no-browser"),
        (["serve", "--help"], "--port"),
        (["migrate", "--help"], "adopted"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_the_commands_need_the_extra_of_the_server_and_no_more(environment, command, said):
    """A command runs where nothing is installed but what the server needs."""
    code = "from showtime_app.cli.entry import main\nsys.argv[0] = 'showtime'\nmain()"
    ran = run_alone(environment("server"), code, *command)
    assert ran.returncode == 0, ran.stderr
    assert said in ran.stdout


def test_what_the_harness_has_for_the_base_install_needs_no_more(environment):
    """What the guide names of the harness for the base install can be imported with that alone."""
    guide = (GUIDES / "test-with-the-harness.md").read_text("utf-8")
    named = re.findall(r"`([\w.]+)`", guide.partition("nothing of the server.")[2].partition(";")[0])
    places = [HARNESS / name.replace(".", "/") for name in named]
    files = [
        each for place in places for each in [*place.glob("*.py"), *place.parent.glob(f"{place.name}.py")]
    ]
    assert len(files) > len(named) >= 4
    modules = [".".join(each.relative_to(ROOT / "src").with_suffix("").parts) for each in files]
    code = "".join(f"import {each.removesuffix('.__init__')}\n" for each in modules) + "print('all')"
    ran = run_alone(environment(""), code)
    assert (ran.returncode, ran.stdout) == (0, "all\n"), ran.stderr


def test_what_an_environment_lacks_is_lacking(environment):
    """With the base install alone there are attrs and cattrs, and neither a server nor Hypothesis."""
    names = {each.name for each in needed_for("")}
    assert names <= {"attrs", "cattrs", "typing_extensions", "exceptiongroup"}
    for module in ("litestar", "psycopg", "hypothesis", "httpx"):
        ran = run_alone(environment(""), f"import {module}")
        assert f"No module named '{module}'" in ran.stderr


@pytest.mark.parametrize(("module", "budget"), BUDGETS)
def test_an_import_stays_within_its_budget(environment, module, budget):
    """Importing a public module loads at most so many other modules, the standard library's included."""
    extra = "" if module.startswith(OF_THE_BASE) else "server"
    count = f"before = set(sys.modules)\nimport {module}\nprint(len(set(sys.modules) - before))"
    ran = run_alone(environment(extra), count)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) <= budget


def test_every_public_module_has_a_budget():
    """The page says of each module what its import may cost."""
    listed = set(re.findall(r"^\| `(showtime_[\w.]+)` \|", PAGE, re.MULTILINE))
    assert {module for module in listed if module != "showtime_core"} <= {module for module, _ in BUDGETS}
