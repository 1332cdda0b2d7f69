"""A topic names one kind of message of one poste, and odd topics name none."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from protocol import topics
from protocol.topics import COMMAND, TOPICS, Address, Topic, parse

slugs = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", fullmatch=True)
roots = st.sampled_from(["ppm", "p", "la-reunion/ppm", "PPM_2"])
EACH_TOPIC = pytest.mark.parametrize("topic", TOPICS, ids=[topic.name for topic in TOPICS])


@settings(deadline=None)
@given(topic=st.sampled_from(TOPICS), site=slugs, poste=slugs, root=roots)
def test_the_topic_of_a_poste_is_read_back(topic: Topic, site: str, poste: str, root: str) -> None:
    assert parse(topic.path(site, poste, root), root) == Address(topic, site, poste)


@settings(deadline=None)
@given(path=st.text(max_size=80))
def test_any_text_is_an_address_or_none(path: str) -> None:
    for text in (path, f"ppm/v1/{path}"):
        address = parse(text)
        assert address is None or address.topic.path(address.site, address.poste) == text


def test_a_command_to_every_poste_of_a_site_is_read_back() -> None:
    assert parse(topics.all_postes_command("port")) == Address(COMMAND, "port", "_all")


@EACH_TOPIC
def test_only_a_command_is_for_every_poste(topic: Topic) -> None:
    assert (parse(f"ppm/v1/port/_all/{topic.name}") is not None) == (topic is COMMAND)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "ppm",
        "ppm/v1",
        "ppm/v1/",
        "ppm/v1/port",
        "ppm/v1/port/p1",
        "ppm/v1/port/p1/",
        "ppm/v1/port/p1/up",
        "ppm/v1/port/p1/up/",
        "ppm/v1/port/p1/up/status/",
        "ppm/v1/port/p1/up/status/more",
        "ppm/v1/port/p1/up/Status",
        "ppm/v1/port/p1/up/unknown",
        "ppm/v1/port/p1/down/status",
        "ppm/v1/port/p1/status",
        "/ppm/v1/port/p1/up/status",
        "ppm//v1/port/p1/up/status",
        "ppm/v1//p1/up/status",
        "ppm/v1/port//up/status",
        "ppm/v1/+/p1/up/status",
        "ppm/v1/port/+/up/status",
        "ppm/v1/port/p1/up/+",
        "ppm/v1/port/p1/up/#",
        "ppm/v1/#",
        "ppm/v1/_all/p1/up/status",
        "ppm/v1/_controller/port/status",
        "ppm/v1/port/_other/down/command",
        "ppm/v1/Port/p1/up/status",
        "ppm/v1/port/p 1/up/status",
        "ppm/v1/port/-p1/up/status",
        "ppm/v1/port/p1-/up/status",
        "ppm/v1/port/p1\n/up/status",
        "ppm/v1/port\n/p1/up/status",
        "ppm/v1/port/p1/up/status\n",
        "ppm/v1/port/p1\x00/up/status",
        "ppm/v1/port/pöste/up/status",
        "ppm/v1/port/p١/up/status",
        "ppm/v1/port/ｐ1/up/status",
        f"ppm/v1/port/{'a' * 64}/up/status",
        "ppm/v2/port/p1/up/status",
        "ppm/v11/port/p1/up/status",
        "autre/v1/port/p1/up/status",
        "ppmx/v1/port/p1/up/status",
        "$SYS/broker/uptime",
    ],
)
def test_an_odd_topic_names_no_poste(path: str) -> None:
    assert parse(path) is None


def test_another_root_is_another_fleet() -> None:
    path = topics.STATUS.path("port", "p1", "autre")
    assert parse(path) is None
    assert parse(path, "autre") is not None


def test_the_controller_speaks_where_no_poste_can() -> None:
    assert topics.controller_status("port") == "ppm/v1/_controller/port/status"
    assert not topics.SLUG.match(topics.CONTROLLER)
    assert not topics.SLUG.match(topics.EVERY_POSTE)


def test_what_asks_or_answers_or_commands_is_never_retained() -> None:
    kept = {topic.name for topic in TOPICS if topic.retained}
    assert kept == {"up/status", "up/info", "up/state", "down/session", "down/config"}
