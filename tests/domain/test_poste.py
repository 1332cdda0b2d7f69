"""The one word of the board: what is wanted and what is observed, apart."""

import pytest

from fleet.domain import poste
from fleet.domain.poste import Observed


@pytest.mark.parametrize(
    ("seen", "statut"),
    [
        (Observed("en_service", True), "disponible"),
        (Observed("en_service", True, phase="maintenance"), "maintenance"),
        (Observed("en_service", None), "disponible"),
        (Observed("en_service", False), "hors_ligne"),
        (Observed("en_service", True, phase="cleaning"), "nettoyage"),
        (Observed("en_service", True, is_reserved=True), "reserve"),
        (Observed("en_service", True, has_session=True), "occupe"),
        (Observed("en_service", False, has_session=True), "occupe"),
        (Observed("en_service", True, needs_care=True), "maintenance"),
        (Observed("maintenance", True), "maintenance"),
        (Observed("maintenance", False), "maintenance"),
        (Observed("maintenance", True, has_session=True), "occupe"),
        (Observed("hors_ligne", True, has_session=True), "hors_ligne"),
    ],
)
def test_a_statut_is_derived_from_what_is_wanted_and_seen(seen: Observed, statut: str) -> None:
    assert poste.statut(seen) == statut
    assert statut in poste.STATUTS


def test_only_what_can_be_wanted_can_be_set() -> None:
    assert set(poste.SETTABLE.values()) == set(poste.WANTED)
    assert set(poste.SETTABLE) < set(poste.STATUTS)


def test_postes_are_sorted_as_people_count() -> None:
    names = ["poste 10", "Poste 2", "Étage 1", "etage 02", "Poste 2 bis", "Zone"]
    said = ["Étage 1", "etage 02", "Poste 2", "Poste 2 bis", "poste 10", "Zone"]
    assert sorted(names, key=poste.sort_key) == said
