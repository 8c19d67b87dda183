"""The page of the metrics says of every metric what the code says."""

import re
from pathlib import Path

from showtime_adapters.twitch.eventsub import Rejection
from showtime_app.metrics import Metrics
from showtime_core.domain.journal import Outcome

PAGE = (Path(__file__).parents[3] / "docs/reference/metrics.md").read_text("utf-8")
ROW = re.compile(r"^\| `(showtime_\w+)` \| (\w+) \|(?: (`.+?`))? \| (.+) \|$", re.MULTILINE)
CODE = re.compile(r"`([^`]+)`")
_SUFFIX = {"counter": "_total", "info": "_info"}


def described() -> dict[str, tuple[str, str]]:
    """Metric → type and meaning, as Prometheus is told."""
    return {
        family.name + _SUFFIX.get(family.type, ""): (
            "gauge" if family.type == "info" else family.type,
            family.documentation,
        )
        for family in Metrics().registry.collect()
        if family.name.startswith("showtime_")
    }


def test_every_metric_is_on_the_page():
    """The page has every metric and no other, with type and meaning in the words of the code."""
    assert {name: (kind, meaning) for name, kind, _, meaning in ROW.findall(PAGE)} == described()


def test_the_labels_are_on_the_page():
    """The page has every label of a metric, each with its row."""
    labels = {
        name: tuple(CODE.findall(by)) for name, _, by, _ in ROW.findall(PAGE) if name != "showtime_build_info"
    }
    metrics = {
        metric._name + _SUFFIX.get(metric._type, ""): metric._labelnames  # noqa: SLF001 - told nowhere else
        for metric in Metrics().registry._collector_to_names  # noqa: SLF001
        if getattr(metric, "_name", "").startswith("showtime_") and metric._type != "info"  # noqa: SLF001
    }
    assert labels == metrics


def test_every_reason_for_which_a_message_is_refused_is_on_the_page():
    """The page has every word that the outcome of a refused request may have."""
    of_the_app = {"accepted", "too-large", "gone", "timeout", "failed"}
    [line] = re.findall(r"Of `/callback` the outcomes are: (.*?)\n\n", PAGE, re.DOTALL)
    assert set(CODE.findall(line)) == {*Rejection, *of_the_app}


def test_every_outcome_of_an_entry_is_on_the_page():
    """The page has all that may become of an entry, and that it was known."""
    [line] = re.findall(r"Of an entry they are: (.*?)\n\n", PAGE, re.DOTALL)
    assert set(CODE.findall(line)) == {*Outcome, "duplicate"} - {Outcome.RETRIED, Outcome.DISMISSED}
