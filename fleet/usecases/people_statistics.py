"""People and postes in figures: how many there are now, and what was done by and with them in a period."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, bindparam, func, select

from fleet.database.gaps import Period, Places, told
from fleet.database.tables import session, utilisateur
from fleet.domain.actor import Actor
from fleet.usecases import poste_views, statistics
from fleet.usecases.fleet import Fleet
from fleet.usecases.statistics import Tally

RECENT = timedelta(days=30)


class UtilisateurStats(Struct, frozen=True, kw_only=True):
    """How many members of the public are known now, and who of them came in the period.

    `nouveaux`: known since the period; `venus`: who began a session in it; `par_categorie_sessions`: their sessions
    and those of people without a name, as `GET /sessions/stats/` counts them.
    """

    depuis: datetime
    jusqu_a: datetime
    total: int
    avec_consentement: int
    nouveaux_30_jours: int
    par_categorie: dict[str, int]
    nouveaux: int
    venus: int
    par_categorie_sessions: dict[str, Tally]


class PosteStats(Struct, frozen=True, kw_only=True):
    """How many postes there are now, in all, online, and by statut; and how they were used in the period."""

    depuis: datetime
    jusqu_a: datetime
    total: int
    en_ligne: int
    par_statut: dict[str, int]
    sessions: int
    secondes_utilisees: int
    taux_occupation: float | None
    par_poste: dict[str, Tally]


def utilisateurs(fleet: Fleet, actor: Actor, when: Period) -> UtilisateurStats:
    """People are of all sites; their visits are those at the sites that the actor sees."""
    with fleet.database.read() as tx:
        values = told(actor, when)
        rows = tx.execute(_KNOWN, {**values, "recent": tx.now - RECENT}).all()
        came = tx.execute(_came(Places.of(actor, when.site_id)), values).scalar_one()
        visits = statistics.by_category(tx, actor, when)
    return UtilisateurStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=sum(row.total for row in rows),
        avec_consentement=sum(row.consentis for row in rows),
        nouveaux_30_jours=sum(row.recents for row in rows),
        par_categorie={row.categorie or "": row.total for row in rows},
        nouveaux=sum(row.nouveaux for row in rows),
        venus=came,
        par_categorie_sessions=visits,
    )


_SINCE = utilisateur.c.created_at >= bindparam("since")
_FRESH = _SINCE & (utilisateur.c.created_at < bindparam("until"))
_KNOWN = select(
    utilisateur.c.categorie,
    func.count().label("total"),
    func.count().filter(utilisateur.c.consentement_rgpd.is_(True)).label("consentis"),
    func.count().filter(utilisateur.c.created_at >= bindparam("recent")).label("recents"),
    func.count().filter(_FRESH).label("nouveaux"),
).group_by(utilisateur.c.categorie)


@cache
def _came(places: Places) -> Select[Any]:
    """Who began a session: an index knows it of every moment and site."""
    visitors = (
        select(session.c.utilisateur_id)
        .where(session.c.debut_session >= bindparam("since"), session.c.debut_session < bindparam("until"))
        .where(places.hold(session.c.site_id), session.c.utilisateur_id.is_not(None))
        .distinct()
    )
    return select(func.count()).select_from(visitors.subquery("visitors"))


def postes(fleet: Fleet, actor: Actor, when: Period) -> PosteStats:
    """The postes that the actor sees."""
    now = poste_views.counts(fleet, actor, when.site_id)
    with fleet.database.read() as tx:
        used = statistics.by_poste(tx, actor, when)
    return PosteStats(
        depuis=when.since,
        jusqu_a=when.until,
        total=now.total,
        en_ligne=now.en_ligne,
        par_statut=now.par_statut,
        sessions=used.sessions,
        secondes_utilisees=used.seconds,
        taux_occupation=used.share,
        par_poste=used.by_poste,
    )
