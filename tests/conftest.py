"""What every test may use."""

import functools
import gc
import os
import shutil
from collections.abc import Callable, Generator
from itertools import islice
from pathlib import Path
from types import ModuleType

import httpx
import httpx2
import pytest
from hypothesis import HealthCheck, Phase, settings

from support.scale import SHORT, Scale

# The harness asserts as tests do, and its failures should read as well.
pytest.register_assert_rewrite("showtime_core.testing.contracts", "showtime_core.testing.machines")

# No deadline and no question of speed, for tests share their machine; no database of examples, for every run
# stands for itself.
settings.register_profile(
    "showtime",
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
# The long proof plays twenty times as many examples of everything.
settings.register_profile("soak", settings.get_profile("showtime"), max_examples=600)
# A bug that is planted is to be found, and nobody reads its story. What is drawn follows from the given seed,
# also where the variable CI has Hypothesis draw by the text of a test.
settings.register_profile(
    "planted",
    settings.get_profile("showtime"),
    max_examples=200,
    phases=[Phase.generate],
    derandomize=False,
)
settings.load_profile("showtime")


def _read_certificates_once(library: ModuleType) -> None:
    """Spare each client 40 ms of CPU, for the certificates of the world: tests ask this machine alone."""
    certificates = functools.cache(lambda _file, _folder: library.create_ssl_context())

    def ssl_context(verify: object = True, cert: object = None, trust_env: object = True) -> object:  # noqa: FBT002
        if (verify, cert, trust_env) == (True, None, True):
            return certificates(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))
        return library.create_ssl_context(verify, cert, trust_env)

    # There is no place for it but each of a thousand calls.
    library._transports.default.create_ssl_context = ssl_context  # noqa: SLF001


_read_certificates_once(httpx)
_read_certificates_once(httpx2)  # which is OpenAI's


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """Tell how many tests run at once: two for each core (`auto`), since many wait; or one (`logical`)."""
    cores = os.cpu_count() or 1
    return cores if config.option.numprocesses == "logical" else 2 * cores


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector all that tests are made of: it lives until the end."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with the long ones, on each worker, so that at the end short ones fill in; all else is by chance.

    At first each worker is handed a slice of the tests, all slices of one size.
    """
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.get_closest_marker("long")]
    short = iter([item for item in items if not item.get_closest_marker("long")])
    ordered: list[pytest.Item] = []
    for number in range(workers):
        first = long[number::workers]
        size = (len(items) - len(ordered)) // (workers - number)
        ordered += [*first, *islice(short, max(0, size - len(first)))]
    items[:] = [*ordered, *short]


_PROGRAMS = {
    "postgresql-15": "postgres",
    "chromium": "chromium",
    "chromium-driver": "chromedriver",
    "nginx": "nginx",
    "prometheus": "promtool",
    "systemd": "systemd-analyze",
}
"""Debian package → the program of it that tests start."""

_OUT_OF_THE_WAY = ["/usr/sbin", "/usr/lib/postgresql/15/bin"]
"""Where Debian puts programs that are not on everybody's PATH."""


@pytest.fixture(scope="session")
def scale() -> Scale:
    """How much of a long proof is played here; `tests/soak` plays more."""
    return SHORT


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], Path]:
    """Find a program that is not ours to install; give the name of its Debian package.

        def test_the_oldest_supported_server_will_do(require_tool):
            postgres = require_tool("postgresql-15")

    Without it the test is skipped; with `SHOWTIME_REQUIRE_TOOLS=1` (see `.ci/run`) it fails.
    """

    def find(package: str) -> Path:
        path = os.pathsep.join([os.environ.get("PATH", os.defpath), *_OUT_OF_THE_WAY])
        program = shutil.which(_PROGRAMS[package], path=path)
        if program:
            return Path(program)
        reason = f"{_PROGRAMS[package]} is missing: apt install {package}"
        if os.environ.get("SHOWTIME_REQUIRE_TOOLS") == "1":
            pytest.fail(reason)
        pytest.skip(reason)

    return find
