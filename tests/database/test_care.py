"""A poste whose clean-up left something awaits somebody who looks; the alert lasts until it is clean or looked at."""

import itertools
from typing import Any

from fleet.database import alerts
from fleet.database.listing import Page
from fleet.domain.actor import SYSTEM
from fleet.usecases import alerting, events, poste_views, postes
from fleet.usecases.alerting import AlertFilter, AlertView
from protocol import messages
from tests.support.rooms import BOOT, Room

_numbers = itertools.count(1)


def _cleaned(room: Room, *leftovers: str) -> None:
    told = messages.Cleaned(n=next(_numbers), boot=BOOT, ms=10, leftovers=leftovers)
    events.happened(room.fleet, room.lease, [(room.postes[0], told)])


def _lasting(room: Room) -> list[AlertView]:
    found = alerting.search(room.fleet, room.actor, AlertFilter(lasting=True), Page()).resultats
    return [one for one in found if one.genre == alerts.LEFTOVERS]


def _statut(room: Room) -> Any:
    return poste_views.one(room.fleet, SYSTEM, room.postes[0]).statut


def test_leftovers_keep_visitors_away_and_raise_an_alert_that_names_the_poste(room: Room) -> None:
    _cleaned(room, "var_tmp:2", "processes:1")
    assert _statut(room) == "maintenance"
    (alert,) = _lasting(room)
    assert alert.details["restes"] == ["var_tmp:2", "processes:1"]
    assert alert.poste is not None
    assert alert.texte.startswith("Le nettoyage du poste p")
    made = room.new()
    assert room.refusal(room.type, made.code, room.postes[0]) == "poste_en_maintenance"


def test_a_clean_up_that_leaves_nothing_ends_the_alert(room: Room) -> None:
    _cleaned(room, "home:1")
    _cleaned(room, "home:1", "tmp:3")
    (alert,) = _lasting(room)
    assert alert.details["restes"] == ["home:1", "tmp:3"], "what is left now"
    _cleaned(room)
    assert _lasting(room) == []
    assert _statut(room) == "disponible"


def test_a_person_who_puts_the_poste_back_in_service_ends_the_alert(room: Room) -> None:
    _cleaned(room, "home:1")
    postes.set_statut(room.fleet, room.actor, room.postes[0], "disponible")
    assert _lasting(room) == []
    assert _statut(room) == "disponible"
