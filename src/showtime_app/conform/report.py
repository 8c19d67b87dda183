"""Verdicts as people and programs read them: a table, JSON, JUnit."""

import json
from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from showtime_app.conform.judge import ProbeOutcome, ProbeVerdict
from showtime_app.conform.probes import Level

_MARKS = {ProbeOutcome.PASSED: "ok", ProbeOutcome.FAILED: "FAILED", ProbeOutcome.NOT_JUDGED: "-"}


def line(verdict: ProbeVerdict) -> str:
    """Write a verdict as a row of the table; of one that failed, what Twitch says and what comes of it."""
    probe = verdict.probe
    row = f"{_MARKS[verdict.outcome]:<7} {probe.level:<9} {probe.name:<26} {verdict.reason}".rstrip()
    if verdict.outcome is not ProbeOutcome.FAILED:
        return row
    return f"{row}\n        {probe.says}\n        Else {probe.fails}."


def summary(verdicts: Sequence[ProbeVerdict]) -> str:
    """Count them."""
    counted = Counter((verdict.probe.level, verdict.outcome) for verdict in verdicts)
    rows = ([f"{counted[level, outcome]} {outcome}" for outcome in ProbeOutcome] for level in Level)
    return "\n".join(f"{level}: {', '.join(row)}" for level, row in zip(Level, rows, strict=True))


def as_json(url: str, verdicts: Sequence[ProbeVerdict]) -> str:
    """Write them as JSON."""
    found = [
        {
            "name": verdict.probe.name,
            "level": verdict.probe.level,
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "says": verdict.probe.says,
            "fails": verdict.probe.fails,
        }
        for verdict in verdicts
    ]
    return json.dumps({"url": url, "verdicts": found}, indent=2)


def as_junit(url: str, verdicts: Sequence[ProbeVerdict]) -> str:
    """Write them as JUnit does, for CI."""
    failed = sum(verdict.outcome is ProbeOutcome.FAILED for verdict in verdicts)
    skipped = sum(verdict.outcome is ProbeOutcome.NOT_JUDGED for verdict in verdicts)
    counts = {"tests": str(len(verdicts)), "failures": str(failed), "skipped": str(skipped)}
    suite = ET.Element("testsuite", {"name": f"EventSub receiver at {url}", **counts})
    for verdict in verdicts:
        case = ET.SubElement(suite, "testcase", classname=verdict.probe.level, name=verdict.probe.name)
        if verdict.outcome is ProbeOutcome.FAILED:
            ET.SubElement(
                case, "failure", message=verdict.reason
            ).text = f"{verdict.probe.says} Else {verdict.probe.fails}."
        elif verdict.outcome is ProbeOutcome.NOT_JUDGED:
            ET.SubElement(case, "skipped", message=verdict.reason)
    ET.indent(suite)
    return ET.tostring(suite, encoding="unicode", xml_declaration=True)
