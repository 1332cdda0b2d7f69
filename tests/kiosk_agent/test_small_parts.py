"""Countdown, offset, back-off, clock, words, what floods the log, and broken faces."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk_agent.backoff import Backoff
from kiosk_agent.broker import Broker
from kiosk_agent.clock import BootClock
from kiosk_agent.countdown import Countdown
from kiosk_agent.inbox import LOGGED_PER_MINUTE, Inbox
from kiosk_agent.offset import Offset
from kiosk_agent.platform.base import PlatformError
from kiosk_agent.platform.dry import DryPlatform
from kiosk_agent.settings import Settings
from kiosk_agent.ui.face import GuardedFace, NoFace, Said
from kiosk_agent.words import CATALOGUE, clock_face, duration, say
from protocol.codec import BadMessage
from protocol.messages import WARNINGS_S

EPOCH = datetime(2026, 11, 20, tzinfo=UTC)


def at(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)


@given(st.integers(0, 600_000), st.lists(st.integers(0, 20_000), max_size=60))
def test_each_warning_is_given_once_whenever_one_looks(remaining: int, steps: list[int]) -> None:
    countdown, now = Countdown.begin(0, remaining, 0, WARNINGS_S), 0
    given_: list[int] = []
    for step in steps:
        now += step
        given_ += countdown.due(now)
        countdown = countdown.warned(now)
    expected = [left for left in WARNINGS_S if left * 1000 < remaining and remaining - left * 1000 <= now]
    assert given_ == expected


@given(st.integers(0, 100_000), st.integers(0, 100_000), st.integers(0, 250_000))
def test_a_countdown_is_before_in_or_after_its_grace(remaining: int, grace: int, now: int) -> None:
    countdown = Countdown.begin(0, remaining, grace, ())
    before = countdown.remaining(now) > 0
    assert [before, countdown.in_grace(now), countdown.over(now)].count(True) == 1
    assert countdown.over(now) or countdown.next_wake(now) > now


def test_the_servers_clock_is_taken_from_the_quickest_exchange() -> None:
    offset = Offset()
    assert offset.age(at(0), 0) is None
    offset.learn(1_000, 1_600, at(2_000))
    offset.learn(2_000, 2_010, at(2_755))
    assert offset.age(at(2_750), 2_010) == 10


def test_an_exchange_that_lay_somewhere_takes_no_second_from_a_visitor() -> None:
    offset = Offset()
    offset.learn(1_000, 3_400, at(3_390))
    assert offset.age(at(3_390), 3_400) == 100
    offset.learn(5_000, 5_010, at(4_995))
    assert offset.age(at(4_990), 5_010) == 12


def test_a_slow_exchange_teaches_nothing() -> None:
    offset = Offset()
    offset.learn(0, 6_000, at(0))
    assert offset.age(at(0), 0) is None


def test_a_stepped_clock_forgets_what_was_learnt() -> None:
    offset = Offset()
    offset.learn(0, 2, at(0))
    offset.learn(1_000, 1_100, at(3_600_000))
    assert offset.age(at(3_600_000), 1_100) == 50


def test_waits_double_and_differ() -> None:
    backoff = Backoff(100, 1_000, Random(1))
    waits = [backoff.next() for _ in range(6)]
    assert all(
        base <= wait <= base * 1.25
        for base, wait in zip([100, 200, 400, 800, 1000, 1000], waits, strict=True)
    )
    backoff.reset()
    assert backoff.next() <= 125


def test_every_sentence_is_said_in_both_languages() -> None:
    for key in CATALOGUE:
        for language in ("fr", "en"):
            sentence = say(key, language, seconds=90, poste="p1")
            assert "{" not in sentence
            assert sentence.strip()


def test_french_has_its_narrow_spaces() -> None:
    for key in CATALOGUE:
        sentence = say(key, "fr", seconds=90, poste="p1")
        for mark in ":;!?":
            assert f" {mark}" not in sentence
            assert mark not in sentence or f"\u202f{mark}" in sentence


def test_durations_are_said_as_people_do() -> None:
    told = [duration(seconds).replace("\u00a0", " ") for seconds in (45, 60, 90, 720, 3_900, 7_200)]
    assert told == ["45 s", "1 min", "1 min 30", "12 min", "1 h 05", "2 h 00"]
    assert [clock_face(ms) for ms in (0, 1, 61_000, 3_661_000)] == ["00:00", "00:01", "01:01", "1:01:01"]


def test_a_broken_face_is_told_once_and_stops_nothing() -> None:
    class Broken(NoFace):
        def told(self, said: Said) -> None:
            raise RuntimeError("no display")

    failures: list[Exception] = []
    face = GuardedFace(Broken(), failures.append)
    face.told(Said("a", "a"))
    face.told(Said("b", "b"))
    assert len(failures) == 1


def test_the_clock_runs_where_the_system_has_no_boot_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.delattr(time, "clock_gettime_ns", raising=False)
    assert BootClock().now() > 0


def test_what_floods_a_poste_is_counted_and_does_not_flood_its_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    inbox = Inbox(Settings("s", "p", Broker("127.0.0.1", 1, "p", ""), tmp_path))
    bad = BadMessage("not_json", "", 3)
    for _ in range(500):
        inbox.refused("ppm/v1/s/p/down/session", b"???", bad)
    assert inbox.bad == 500
    assert len(caplog.records) == LOGGED_PER_MINUTE


def test_a_dry_machine_installs_nothing_and_says_why() -> None:
    with pytest.raises(PlatformError) as refusal:
        DryPlatform().update("2.0", "0" * 64)
    assert refusal.value.reason == "dry_run"
