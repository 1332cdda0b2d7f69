"""Who reads and writes what, on a real broker: by what is delivered, for PUBACK and SUBACK say nothing."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ppm.parts.broker import Account, PrivateBroker
from protocol import topics
from tests.support.mqtt import VERSIONS, Message, Version, Wire
from tests.support.waiting import wait_until

UP = [topic for topic in topics.TOPICS if topic.publisher == "poste"]
DOWN = [topic for topic in topics.TOPICS if topic.publisher == "controller"]

pytestmark = pytest.mark.parametrize("version", VERSIONS)


@dataclass(frozen=True)
class Room:
    """Two postes of a site, and one of another site."""

    broker: PrivateBroker
    site: str
    other_site: str
    poste: Account
    neighbour: Account
    stranger: Account

    def own(self, topic: topics.Topic) -> str:
        return topic.path(self.site, self.poste.name)

    def foreign(self, topic: topics.Topic) -> list[str]:
        """The neighbour's topic, the stranger's, and one of our own name in the other site's tree."""
        return [
            topic.path(self.site, self.neighbour.name),
            topic.path(self.other_site, self.stranger.name),
            topic.path(self.other_site, self.poste.name),
        ]


@pytest.fixture
def room(broker: PrivateBroker, site: str) -> Iterator[Room]:
    other = f"{site}-b"
    names = [f"{site}-p1", f"{site}-p2", f"{site}-p3"]
    poste, neighbour = (broker.add_poste(site, name) for name in names[:2])
    stranger = broker.add_poste(other, names[2])
    yield Room(broker, site, other, poste, neighbour, stranger)
    broker.remove_postes(names)


def controller(room: Room, version: Version) -> Wire:
    return Wire(room.broker.services_port, room.broker.controller, version=version)


def observer(room: Room, version: Version) -> Wire:
    return Wire(room.broker.services_port, room.broker.observer, version=version)


def poste(room: Room, version: Version) -> Wire:
    return Wire(room.broker.postes_port, room.poste, version=version)


def test_a_poste_writes_its_own_topics_and_no_other(room: Room, version: Version) -> None:
    forbidden = [topic for kind in UP for topic in room.foreign(kind)]
    forbidden += [room.own(kind) for kind in DOWN] + [topic for kind in DOWN for topic in room.foreign(kind)]
    forbidden += [
        f"ppm/v1/{room.site}/{room.poste.name}/up/other",
        f"ppm/v1/{room.site}/{room.poste.name}/up/status/more",
        topics.all_postes_command(room.site),
        topics.controller_status(room.site),
        f"ppm/v2/{room.site}/{room.poste.name}/up/status",
        f"elsewhere/{room.poste.name}",
    ]
    with controller(room, version) as witness, poste(room, version) as writer:
        witness.subscribe("#")
        witness.messages.clear()
        for topic in forbidden:
            writer.publish(topic, retain=True)
            writer.publish(topic, qos=0)
        for kind in UP:
            writer.publish(room.own(kind))
        wait_until(lambda: room.own(UP[-1]) in witness.topics)
        assert witness.topics == [room.own(kind) for kind in UP]
        assert not writer.closed.is_set()


def test_a_poste_reads_its_own_topics_and_no_other(room: Room, version: Version) -> None:
    shared = [topics.all_postes_command(room.site), topics.controller_status(room.site)]
    foreign = [topic for kind in (*UP, *DOWN) for topic in room.foreign(kind)]
    foreign += [topics.all_postes_command(room.other_site), topics.controller_status(room.other_site)]
    with controller(room, version) as writer, poste(room, version) as reader:
        for topic in foreign:
            writer.publish(topic, b"before", retain=True)
        reader.subscribe("#", "+/+/+/+/+/+", f"ppm/v1/{room.other_site}/#", *foreign)
        for topic in [*foreign, *(room.own(kind) for kind in UP if kind is not topics.STATUS)]:
            writer.publish(topic, b"after")
        expected = [*shared, room.own(topics.STATUS), *(room.own(kind) for kind in DOWN)]
        for topic in expected:
            writer.publish(topic, b"after")
        wait_until(lambda: expected[-1] in reader.topics)
        assert set(reader.topics) == set(expected)
        for topic in foreign:
            writer.publish(topic, b"", retain=True)


def test_an_observer_reads_all_but_codes_and_nonces(room: Room, version: Version) -> None:
    secret = [room.own(topics.REQUEST), room.own(topics.REPLY)]
    shared = [topics.all_postes_command(room.site), topics.controller_status(room.site)]
    readable = [*shared, *(room.own(kind) for kind in (*UP, *DOWN) if room.own(kind) not in secret)]
    with controller(room, version) as writer, observer(room, version) as reader:
        reader.subscribe("#", "ppm/#", "+/+/+/+/up/request", *secret)
        reader.messages.clear()
        for topic in [*secret, *readable]:
            writer.publish(topic)
        wait_until(lambda: readable[-1] in reader.topics)
        assert set(reader.topics) == set(readable)


def test_a_stand_in_speaks_for_one_poste_and_hears_nothing(room: Room, version: Version) -> None:
    account = room.broker.add_stand_in(room.site, room.poste.name)
    said, fence = [room.own(kind) for kind in UP], room.own(topics.STATUS)
    others = [topic for kind in (*UP, *DOWN) for topic in room.foreign(kind)]
    with (
        controller(room, version) as witness,
        Wire(room.broker.services_port, account, version=version) as stand_in,
    ):
        witness.subscribe("ppm/#")
        stand_in.subscribe("#", "$SYS/#", room.own(topics.SESSION), fence)
        witness.messages.clear()
        for topic in [*others, *(room.own(kind) for kind in DOWN), *said, fence]:
            stand_in.publish(topic)
        wait_until(lambda: len(witness.messages) > len(said))
        assert witness.topics == [*said, fence]
        assert not stand_in.messages


def test_an_observer_writes_nothing(room: Room, version: Version) -> None:
    with controller(room, version) as witness, observer(room, version) as writer:
        witness.subscribe("ppm/#")
        witness.messages.clear()
        for kind in (*UP, *DOWN):
            writer.publish(room.own(kind), retain=True)
        writer.publish(topics.controller_status(room.site), retain=True)
        witness.publish("ppm/fence")
        wait_until(lambda: "ppm/fence" in witness.topics)
        assert witness.topics == ["ppm/fence"]


def test_a_controller_reads_and_writes_the_whole_tree(room: Room, version: Version) -> None:
    everything = [room.own(kind) for kind in (*UP, *DOWN)] + [topics.controller_status(room.site)]
    with controller(room, version) as writer, controller(room, version) as reader:
        reader.subscribe("ppm/#")
        reader.messages.clear()
        for topic in everything:
            writer.publish(topic)
        wait_until(lambda: len(reader.messages) >= len(everything))
        assert reader.topics == everything


def test_nobody_connects_without_an_account_of_that_listener(room: Room, version: Version) -> None:
    wrong = Account(room.poste.name, "guess")
    postes, services = room.broker.postes_port, room.broker.services_port
    for port, account in [
        (postes, None),
        (services, None),
        (postes, wrong),
        (services, room.poste),
        (postes, room.broker.controller),
        (postes, room.broker.observer),
    ]:
        with Wire(port, account, version=version) as wire:
            assert wire.refused, f"{account} on {port}"
            assert not wire.connected.is_set()


def test_the_client_id_of_a_poste_is_its_name_whatever_it_says(room: Room, version: Version) -> None:
    port = room.broker.postes_port
    with (
        Wire(port, room.neighbour, version=version) as neighbour,
        poste(room, version) as first,
        Wire(port, room.poste, version=version, client_id=room.neighbour.name) as second,
    ):
        assert first.closed.wait(5), "a second connection of a poste takes over from its first"
        assert second.connected.is_set()
        assert not neighbour.closed.is_set(), "a poste evicted another by naming its client id"


def test_two_observers_do_not_evict_each_other(room: Room, version: Version) -> None:
    with observer(room, version) as first, observer(room, version) as second:
        second.subscribe("ppm/#")
        first.subscribe("ppm/#")
        assert not first.closed.is_set()


def test_a_will_is_held_to_the_same_rules(room: Room, version: Version) -> None:
    port = room.broker.postes_port
    own, foreign = room.own(topics.STATUS), topics.STATUS.path(room.site, room.neighbour.name)
    with controller(room, version) as witness:
        witness.subscribe(f"ppm/v1/{room.site}/#")
        with Wire(port, room.poste, version=version, will=Message(foreign, b"will")) as forger:
            if not forger.refused:
                forger.vanish()
        with Wire(port, room.poste, version=version, will=Message(own, b"will")) as honest:
            honest.vanish()
        wait_until(lambda: own in witness.topics)
        assert witness.topics == [own]


def test_a_payload_that_is_too_large_is_not_delivered(room: Room, version: Version) -> None:
    topic = room.own(topics.EVENT)
    with controller(room, version) as witness:
        witness.subscribe(topic)
        with poste(room, version) as writer:
            writer.publish(topic, b"x" * 16_384)
            wait_until(lambda: len(witness.messages) == 1)
            writer.send(topic, b"x" * 20_000)
            assert writer.closed.wait(5), "the broker keeps a connection that sends too much"
        with poste(room, version) as writer:
            writer.publish(topic, b"fence")
        wait_until(lambda: len(witness.messages) == 2)
        assert [len(message.payload) for message in witness.messages] == [16_384, 5]
