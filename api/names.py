"""The `{id}` of a path or a filter: a slug or a number. A slug never means another thing later, so it is kept."""

from sqlalchemy import Column, select

from fleet.database.tables import operateur, poste, site
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.domain.numbers import row_id
from fleet.usecases.fleet import Fleet


class Names:
    """Slugs of sites and postes, looked up once. Use it in a thread: the first time it reads the database."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._known: dict[tuple[str, str], int] = {}

    def site(self, word: str | int) -> int:
        """The id of a site. Raises NotFound."""
        return self._id("site", word, site.c.slug, site.c.id)

    def poste(self, word: str | int) -> int:
        """The id of a poste. Raises NotFound."""
        return self._id("poste", word, poste.c.slug, poste.c.id)

    def operateur(self, word: str) -> int:
        """The id of an operator, by login. Raises NotFound."""
        return self._id("operateur", word, operateur.c.login, operateur.c.id)

    def asked_site(self, actor: Actor, word: str | int | None) -> int | None:
        """The site that a filter names; None without one. Raises NotFound, for a foreign one as for an unknown one."""
        if not word:
            return None
        found = self.site(word)
        self._fleet.require_site(actor, found)
        return found

    def asked_poste(self, actor: Actor, word: str | int | None) -> int | None:
        """The same for a poste."""
        if not word:
            return None
        found = self.poste(word)
        if actor.sites is not None:
            self._require_poste(actor, found)
        return found

    def _require_poste(self, actor: Actor, poste_id: int) -> None:
        with self._fleet.guarded(actor), self._fleet.database.read() as tx:
            where = tx.execute(select(poste.c.site_id).where(poste.c.id == poste_id)).scalar_one_or_none()
            if where is None:
                raise NotFound("poste")
            actor.require_site(where, "poste", poste_id)

    def _id(self, thing: str, word: str | int, slug: Column[str], number: Column[int]) -> int:
        if isinstance(word, int):
            return word
        if word.isascii() and word.isdigit():
            numbered = row_id(word)
            if numbered is None:
                raise NotFound(thing)
            return numbered
        known = self._known.get((thing, word))
        if known is not None:
            return known
        with self._fleet.database.read() as tx:
            found = tx.execute(select(number).where(slug == word)).scalar_one_or_none()
        if found is None:
            raise NotFound(thing)
        self._known[thing, word] = found
        return int(found)
