"""A site's rules change while sessions run: their postes are told."""

from fleet.domain.actor import SYSTEM
from fleet.usecases import sessions, sites
from tests.support.rooms import Room


def test_new_rules_are_told_to_the_postes_that_have_a_session(room: Room) -> None:
    room.running()
    sessions.suspend(room.fleet, room.actor, room.running(poste=room.postes[1]))
    before = [room.wanted(poste).rev for poste in room.postes]
    sites.edit(room.fleet, SYSTEM, room.site_id, {"politique": {"grace_s": 0}})
    after = [room.wanted(poste) for poste in room.postes]
    assert [one.rev - rev for one, rev in zip(after, before, strict=True)] == [1, 1, 0]
    assert [one.reason for one in after[:2]] == ["politique", "politique"]
    assert after[0].grace_s == 0
    sites.edit(room.fleet, SYSTEM, room.site_id, {"politique": {"grace_s": 0}})
    assert room.wanted(room.postes[0]).rev == after[0].rev


def test_hours_and_rules_that_change_together_are_told_once(room: Room) -> None:
    room.running()
    rev = room.wanted(room.postes[0]).rev
    changes = {"politique": {"grace_s": 0}, "horaires": {"0": []}, "exceptions": {"2000-01-01": []}}
    sites.edit(room.fleet, SYSTEM, room.site_id, changes)
    wanted = room.wanted(room.postes[0])
    assert (wanted.rev, wanted.reason) == (rev + 1, "fermeture")
