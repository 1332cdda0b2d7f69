"""Who may do what, where."""

import pytest

from fleet.domain import actor
from fleet.domain.actor import SYSTEM, Actor
from fleet.domain.errors import Forbidden, NotFound


@pytest.mark.parametrize("role", actor.ROLES)
def test_a_role_may_do_what_lower_roles_may(role: str) -> None:
    order = (actor.LECTEUR, actor.OPERATEUR, actor.ADMINISTRATEUR)
    for needed in order:
        if order.index(role) >= order.index(needed):
            Actor(role=role).require(needed)
        else:
            with pytest.raises(Forbidden):
                Actor(role=role).require(needed)


def test_things_of_another_site_do_not_exist() -> None:
    local = Actor(operateur_id=1, role=actor.OPERATEUR, sites=frozenset({1}))
    local.require_site(1)
    with pytest.raises(NotFound, match=r"Introuvable.*session"):
        local.require_site(2, "session")
    assert SYSTEM.sees(2)
