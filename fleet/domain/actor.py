"""Who acts: an operator with a role and sites, a poste with its own credential, or the system itself."""

from dataclasses import dataclass, field

from fleet.domain.errors import Forbidden, Foreign

ADMINISTRATEUR, OPERATEUR, LECTEUR = "administrateur", "operateur", "lecteur"
ROLES = (ADMINISTRATEUR, OPERATEUR, LECTEUR)
_RANK = {LECTEUR: 0, OPERATEUR: 1, ADMINISTRATEUR: 2}


@dataclass(frozen=True)
class Actor:
    """On whose behalf a use case runs. `sites` None means all of them.

    Tokens of an operator are of a `generation`; those of another one are over. `poste_id` is set for a program
    that stands in for a poste.
    """

    operateur_id: int | None = None
    role: str = ADMINISTRATEUR
    sites: frozenset[int] | None = field(default=None)
    ip: str | None = None
    is_operator: bool = False
    generation: int = 0
    poste_id: int | None = None

    def require(self, role: str) -> None:
        """Raise Forbidden unless the actor's role is at least this one."""
        if _RANK[self.role] < _RANK[role]:
            raise Forbidden

    def sees(self, site_id: int | None) -> bool:
        """Whether things of this site exist for the actor."""
        return self.sites is None or site_id in self.sites

    def require_site(self, site_id: int | None, thing: str = "site", number: int | None = None) -> None:
        """Raise Foreign for a site that is not the actor's, which is answered as what does not exist. Within
        `Fleet.attempt` or `Fleet.guarded`, which keep it in the audit trail."""
        if not self.sees(site_id):
            raise Foreign(thing, site_id, number)


SYSTEM = Actor()
"""The controller, and the command line on the server itself."""
