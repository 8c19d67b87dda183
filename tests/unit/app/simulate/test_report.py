"""What is made of the answers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from showtime_app.simulate.challenge import check_answer, check_refusal
from showtime_app.simulate.messages import ACCEPTED, REFUSED, TOO_LARGE
from showtime_app.simulate.report import RequestOutcome, ServerAnswer, Tally, percentile, summary

CHALLENGE = "pogchamp-kappa-360noscope-vod"
GOOD = {"content-type": "text/plain", "content-length": str(len(CHALLENGE))}


def tally(*statuses, expected=ACCEPTED):
    counted = Tally()
    for status in statuses:
        counted.add(
            RequestOutcome("channel.follow", expected, ServerAnswer(status, 0.004, failure="no answer"))
        )
    return counted


@pytest.mark.parametrize(
    ("expected", "status", "right"),
    [
        (ACCEPTED, 200, True),
        (ACCEPTED, 204, True),
        (ACCEPTED, 301, False),
        (ACCEPTED, 503, False),
        (ACCEPTED, None, False),
        (REFUSED, 400, True),
        (REFUSED, 404, False),
        (REFUSED, 204, False),
        (REFUSED, 500, False),
        (TOO_LARGE, 413, True),
        (TOO_LARGE, 400, False),
    ],
)
def test_only_the_right_answer_is_right(expected, status, right):
    """A refusal is right where a refusal is due; a wrong path or a broken server is no refusal."""
    assert tally(status, expected=expected).all_right == right


def test_nothing_sent_is_no_success():
    """A run that sent nothing has proven nothing."""
    assert not Tally().all_right


def test_one_wrong_answer_spoils_a_run():
    """All answers must be right, and the summary says how many were not."""
    counted = tally(204, 204, 500, None)
    assert not counted.all_right
    said = summary(counted, 2.0)
    assert "4 sent in 2.00 s (2.0/s)" in said
    assert "1 answered wrongly, 1 not answered" in said
    assert "2 x 204, 1 x 500" in said
    assert "500 instead of 2xx" in said


def test_hopeless_is_when_nobody_ever_answered():
    """A run is given up only where nobody is there; a server that once answered may come back."""
    assert tally(None, None, None).is_hopeless
    assert not tally(None, None).is_hopeless
    assert not tally(500, None, None, None).is_hopeless


@given(st.lists(st.floats(0, 10), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_a_value_that_enough_do_not_exceed(values, part):
    """At least that part of all values is no greater, and it is the smallest value of which that is so."""
    ordered = sorted(values)
    found = percentile(ordered, part)
    assert sum(value <= found for value in ordered) >= len(ordered) * part
    smaller = [value for value in ordered if value < found]
    assert len(smaller) < len(ordered) * part


def test_the_right_answer_to_a_challenge():
    """The right answer is the challenge alone, as plain text with its length, in time."""
    right = ServerAnswer(200, 0.01, GOOD | {"content-type": "text/plain; charset=utf-8"}, CHALLENGE.encode())
    assert all(check.passed for check in check_answer(right, CHALLENGE, 10))


@pytest.mark.parametrize(
    "wrong",
    [
        ServerAnswer(204, 0.01, GOOD, CHALLENGE.encode()),
        ServerAnswer(200, 0.01, GOOD, f'"{CHALLENGE}"'.encode()),
        ServerAnswer(200, 0.01, GOOD, f"{CHALLENGE}\n".encode()),
        ServerAnswer(200, 0.01, GOOD | {"content-type": "text/html"}, CHALLENGE.encode()),
        ServerAnswer(200, 0.01, {"content-length": "29"}, CHALLENGE.encode()),
        ServerAnswer(200, 0.01, {"content-type": "text/plain"}, CHALLENGE.encode()),
        ServerAnswer(200, 10.1, GOOD, CHALLENGE.encode()),
    ],
)
def test_each_slip_is_named_alone(wrong):
    """A challenge that is answered wrongly in one way fails one check."""
    assert sum(not check.passed for check in check_answer(wrong, CHALLENGE, 10)) == 1


def test_no_answer_to_a_challenge_fails():
    """Where nothing comes, the check says so."""
    (check,) = check_answer(ServerAnswer(None, 10, failure="no answer within 10 s"), CHALLENGE, 10)
    assert not check.passed


def test_a_refused_challenge_does_not_give_it_away():
    """A false challenge is refused with 400, and without the challenge in the answer."""
    assert check_refusal(ServerAnswer(400, 0.01), CHALLENGE, "forged").passed
    assert not check_refusal(ServerAnswer(400, 0.01, body=CHALLENGE.encode()), CHALLENGE, "forged").passed
    assert not check_refusal(ServerAnswer(200, 0.01), CHALLENGE, "forged").passed
    assert not check_refusal(ServerAnswer(404, 0.01), CHALLENGE, "forged").passed
    assert not check_refusal(ServerAnswer(None, 0.01, failure="gone"), CHALLENGE, "forged").passed
