"""The traffic in plain words: what it says, and what it never shows."""

import dataclasses
import json
from datetime import UTC, datetime
from typing import get_args

import pytest
from msgspec import structs

from ppm import watch
from ppm.docs import examples
from protocol import codec, topics
from protocol.messages import Accepted, Config, Desired, Resync, Start, Status

NOW = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
SECRETS = ("K7MQ2R", "n0nce-n0nce")


def seen(topic: topics.Topic, message: object, retained: bool = False) -> watch.Seen:
    return watch.read(topic.path("demo", "p1"), codec.encode(message), retained)


def everything(one: watch.Seen) -> str:
    return json.dumps(dataclasses.asdict(one))


def test_a_code_and_a_nonce_are_never_shown() -> None:
    start = Start(id="r1", nonce="n0nce-n0nce", boot="b1", code="K7MQ2R")
    desired = Desired(term=1, rev=2, phase="active", computed_at=NOW, session="12", remaining_ms=60_000)
    answer = Accepted(id="r1", nonce="n0nce-n0nce", server_time=NOW, desired=desired)
    asks = Resync(id="r2", nonce="n0nce-n0nce", boot="b1", term=1, rev=2, phase="locked")
    for topic, message in ((topics.REQUEST, start), (topics.REPLY, answer), (topics.REQUEST, asks)):
        shown = everything(seen(topic, message))
        assert not any(secret in shown for secret in SECRETS)
        assert watch.HIDDEN in shown


@pytest.mark.parametrize("payload", [b"K7MQ2R", b'{"op":"start","code":"K7MQ2R"}', b"\xff\x00", b"[" * 9000])
def test_what_is_not_understood_is_not_shown_either(payload: bytes) -> None:
    one = watch.read(topics.REQUEST.path("demo", "p1"), payload, False)
    assert "not understood" in one.words
    assert "K7MQ2R" not in everything(one)


def test_every_kind_of_message_is_said_in_words() -> None:
    for topic in topics.TOPICS:
        for struct in get_args(topic.payload) or (topic.payload,):
            one = seen(topic, examples.example(struct))
            assert one.words
            assert "not understood" not in one.words
            assert one.fields


def test_a_message_says_who_what_and_whether_it_was_kept() -> None:
    one = seen(topics.STATUS, Status(online=False, boot="b1", connection=4, reason="lost"), retained=True)
    assert (one.site, one.who, one.words, one.retained) == ("demo", "p1", "is gone: lost", True)


def test_a_controller_is_named_with_its_term() -> None:
    payload = b'{"online":true,"controller":"srv-1","term":7,"protocol":1}'
    one = watch.read(topics.controller_status("demo"), payload, True)
    assert one.words == "srv-1 drives this site, term 7"


def test_an_opening_is_told_by_the_clock_of_the_place() -> None:
    payload = codec.encode(structs.replace(examples.example(Config), next_opening=NOW))
    one = watch.read(topics.CONFIG.path("demo", "p1"), payload, True, zone="Indian/Reunion")
    assert "closed until 2026-11-20 12:00:00 +04" in one.words


def test_a_wiped_topic_is_said_so() -> None:
    assert watch.read(topics.SESSION.path("demo", "p1"), b"", True).words == "down/session is wiped"
