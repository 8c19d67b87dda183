"""The seeded world: one seed decides everything, and what a night has come to is judged and told."""

import os
import runpy
import subprocess
import sys
from collections import Counter

import pytest

from showtime_core.testing.__main__ import main
from showtime_core.testing.world.explain import explain
from showtime_core.testing.world.night import SeededNight, Step, draw_night
from showtime_core.testing.world.play import play
from showtime_core.testing.world.series import play_series
from showtime_core.testing.world.sometimes import FLOORS, below_floor
from showtime_core.use_cases import perform
from support.seeded import SERVED, planted

RIGHT = "        await services.ledger.accept(ghost.viewer, _flow_id_of(ghost))\n"
WRONG = RIGHT.replace("ledger.accept", "account.find")


def test_nights_with_the_streams_of_the_service_hold():
    """Whatever goes wrong, every message is recorded, seen, paid and shown as it must be."""
    series = play_series(0, 4, parts=SERVED)
    assert series.failed is None, explain(series.failed.failure)
    assert series.reached["a watcher came again after a drop-out"] > 0


def test_a_seed_plays_the_same_night_with_the_streams_of_the_service():
    """Played again, a night has the same trace, line by line; another seed has another."""
    first, again, other = (play(draw_night(seed, 20), SERVED) for seed in (3, 3, 4))
    assert first.lines == again.lines
    assert first.lines != other.lines


def test_the_digest_is_the_same_under_every_hash_seed():
    """A seed decides everything: what Python hashes by chance decides nothing."""
    command = [sys.executable, "-m", "showtime_core.testing", "--messages", "30"]
    told = [
        subprocess.run(
            command, env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("0", "1", "random")
    ]
    assert len(set(told)) == 1
    assert len(told[0].strip()) == 64


def test_a_night_that_fails_is_told_as_a_story_and_as_a_script_that_runs(tmp_path, capsys):
    """A failure names its seed, the values of the assertion, and a shorter night that fails alike."""
    path = tmp_path / "night.py"
    with planted(perform, "_pay", RIGHT, WRONG):
        assert main(["--nights", "1", "--script", str(path)]) == 1
        told = capsys.readouterr().out
        with pytest.raises(SystemExit) as ended:
            runpy.run_path(str(path), run_name="__main__")
    assert "seed 0" in told
    assert "balance.total = " in told
    assert ended.value.code == 1
    again = capsys.readouterr().out
    assert "balance.total = " in again
    assert again.count("  Twitch       tells") <= 3
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(path), run_name="__main__")
    assert ended.value.code == 0, "without the bug it holds"


@pytest.mark.parametrize(
    "arguments", [["--seed", "x"], ["--nights", "0"], ["--for", "10"], ["--for", "0m"], ["--lights"]]
)
def test_arguments_that_make_no_sense_are_told_apart(arguments, capsys):
    """Arguments that make no sense end with 2, and nothing is played."""
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


def test_without_assertions_nothing_is_played():
    """Where assertions are switched off nothing could be judged, and the command says so."""
    ran = subprocess.run(
        [sys.executable, "-O", "-m", "showtime_core.testing"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout) == (2, "")


def test_a_rare_state_below_its_floor_is_named():
    """A state that was reached less often than it must be is named, and one that was not is not."""
    assert len(below_floor(Counter())) == len(FLOORS)
    enough = Counter(FLOORS)
    assert below_floor(enough) == []
    enough["a takeover while a commit was under way"] -= 1
    assert [line.partition(":")[0] for line in below_floor(enough)] == [
        "a takeover while a commit was under way"
    ]


def test_a_series_below_a_floor_fails(monkeypatch, capsys):
    """Nights that hold, and do not reach a rare state often enough, end with 1."""
    monkeypatch.setattr("showtime_core.testing.__main__.FLOOR_NIGHTS", 1)
    assert main(["--nights", "1"]) == 1
    assert "not often enough" in capsys.readouterr().err


def test_a_night_by_hand_is_played_as_it_is_written():
    """A night of one cheer, in which nothing goes wrong, pays it and shows it."""
    played = play(SeededNight(7, (Step(1.0, "cheer", 0, 200),), frozenset()))
    assert played.failure is None
    said = "\n".join(played.lines)
    assert "commits m1" in said
    assert "settles m1:credit-cheer: done" in said
    assert said.count("sees alert 1") == 2
    assert said.count("has shown it") == 1
