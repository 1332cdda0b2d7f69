"""Sessions as they are shown: every time is computed from the deadline, as of the database's clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    ColumnElement,
    Select,
    Subquery,
    and_,
    bindparam,
    cast,
    null,
    select,
    text,
    union_all,
)

from fleet.database import listing, people, places, sessions
from fleet.database.engine import Transaction
from fleet.database.listing import Ids, Page
from fleet.database.prepared import PREPARED
from fleet.database.sql import any_of, one_of_few
from fleet.database.tables import extension, operateur, poste, session, site, utilisateur
from fleet.domain import reasons
from fleet.domain import session as rules
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.domain.utilisateur import searchable
from fleet.usecases.fleet import Fleet


class DemandeView(Struct, frozen=True, kw_only=True):
    """More time that the visitor asks the desk for; it dies at `expire_a`."""

    secondes: int
    demandee_a: datetime
    expire_a: datetime


class SessionView(Struct, frozen=True, kw_only=True):
    """One visitor's turn at a poste, as of `maintenant`. Durations in seconds; the code is never here."""

    id: int
    site: str
    poste: str | None
    poste_nom: str | None
    utilisateur: int | None
    utilisateur_nom: str | None
    operateur: str | None
    statut: str
    motif_fin: str | None
    motif_texte: str | None
    duree_initiale: int
    temps_ajoute: int
    duree_totale: int
    temps_restant: int
    temps_ecoule: int
    pourcentage_utilise: float
    est_expiree: bool
    en_grace: bool
    debut_session: datetime | None
    fin_prevue: datetime | None
    fin_session: datetime | None
    suspendue_jusqu_a: datetime | None
    code_expire_a: datetime | None
    demande_temps: DemandeView | None
    notes: str
    created_at: datetime
    updated_at: datetime
    version: int
    maintenant: datetime


class SessionList(Struct, frozen=True):
    """A page of sessions. `total_borne`: a search has found more than `total`, which says how many were counted."""

    total: int
    limit: int
    offset: int
    resultats: list[SessionView]
    total_borne: bool = False


@dataclass(frozen=True)
class SessionFilter:
    """Which sessions. None asks for nothing; `search` looks at names, logins and postes."""

    statuts: Sequence[str] = ()
    site_id: int | None = None
    poste_id: int | None = None
    utilisateur_id: int | None = None
    operateur_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None


_SORTS = {
    "id": session.c.id,
    "created_at": session.c.created_at,
    "debut_session": session.c.debut_session,
    "statut": session.c.statut,
    "poste": poste.c.slug,
}
_RUNNING_SORTS = {**_SORTS, "fin_prevue": session.c.fin_prevue}
"""What ends next is asked of what runs: an index of all ends of all years would cost each change of an end."""


_SEEN: Select[Any] = (
    select(
        *(column for column in session.c if column.name not in ("code_index", "code_scelle")),
        site.c.slug.label("site_slug"),
        poste.c.slug.label("poste_slug"),
        poste.c.nom.label("poste_nom"),
        utilisateur.c.nom.label("personne_nom"),
        utilisateur.c.prenom.label("personne_prenom"),
        operateur.c.login.label("operateur_login"),
        extension.c.secondes.label("demande_secondes"),
        extension.c.created_at.label("demandee_a"),
        extension.c.expire_a.label("demande_expire_a"),
    )
    .join_from(session, site, session.c.site_id == site.c.id)
    .outerjoin(poste, session.c.poste_id == poste.c.id)
    .outerjoin(utilisateur, session.c.utilisateur_id == utilisateur.c.id)
    .outerjoin(operateur, session.c.operateur_id == operateur.c.id)
    # In the words of its unique index: at most one row for each session.
    .outerjoin(extension, and_(extension.c.session_id == session.c.id, text("demande.statut = 'ouverte'")))
)
# Built once: putting a statement together takes longer than the database needs for it.
_ONE = listing.clocked(_SEEN.where(session.c.id == bindparam("wanted")).execution_options(**PREPARED))
_ON_POSTE = listing.clocked(
    _SEEN.where(session.c.poste_id == bindparam("wanted"), session.c.statut.in_(rules.ON_POSTE))
)


def one(fleet: Fleet, actor: Actor, session_id: int) -> SessionView:
    """One session. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.glance() as tx:
        row = listing.first(tx, _ONE, wanted=session_id)
        if row is None:
            raise NotFound("session")
        actor.require_site(row.site_id, "session", session_id)
    return _view(row, row.maintenant)


def on_poste(fleet: Fleet, actor: Actor, poste_id: int) -> SessionView:
    """The session that is active or suspended at a poste. Raises NotFound."""
    with fleet.guarded(actor), fleet.database.glance() as tx:
        row = listing.first(tx, _ON_POSTE, wanted=poste_id)
        site_id = places.poste(tx, poste_id).site_id if row is None else row.site_id
        actor.require_site(site_id, "poste", poste_id)
        if row is None:
            raise NotFound("session")
    return _view(row, row.maintenant)


def some(tx: Transaction, ids: Sequence[int]) -> dict[int, SessionView]:
    """Some sessions, by their ids."""
    wanted = _SEEN.add_columns(listing.now_column(tx)).where(any_of(tx, session.c.id, ids))
    return {row.id: _view(row, row.maintenant) for row in tx.execute(wanted)}


def search(fleet: Fleet, actor: Actor, which: SessionFilter, page: Page) -> SessionList:
    """A page of the sessions that the actor sees."""
    values = {name: value for name in _CONDITIONS if (value := getattr(which, name))}
    if actor.sites is not None:
        values["sites"] = sorted(actor.sites)
    rows = _filtered(tuple(values))
    by_poste = (page.sort or "").endswith("poste")
    runs = bool(which.statuts) and set(which.statuts) <= {*rules.ON_POSTE}
    sorts: Mapping[str, Any] = _RUNNING_SORTS if runs else _SORTS
    with fleet.database.glance() as tx:
        if which.search:
            called = _called(tx, which.search)
            ids = Ids(rows, _with_poste(rows) if by_poste else rows, called)
        else:
            ids = Ids(_counted(rows, which, values), rows)
        if by_poste and not which.search:
            ordered = _by_poste(rows, (page.sort or "").startswith("-"))
            values["page_most"] = page.offset + page.limit
            ids, sorts = Ids(ids.counted, select(ordered.c.id)), {"poste": ordered.c.slug}
        page_of = listing.fetch_long(tx, _SEEN, ids, page, sorts, "-created_at", values)
    views = [_view(row, page_of.now) for row in page_of.rows]
    return SessionList(page_of.total, page.limit, page.offset, views, page_of.bounded)


_CONDITIONS: dict[str, ColumnElement[bool]] = {
    "statuts": session.c.statut.in_(bindparam("statuts", expanding=True)),
    "site_id": session.c.site_id == bindparam("site_id"),
    "poste_id": session.c.poste_id == bindparam("poste_id"),
    "utilisateur_id": session.c.utilisateur_id == bindparam("utilisateur_id"),
    "operateur_id": session.c.operateur_id == bindparam("operateur_id"),
    "since": session.c.created_at >= bindparam("since"),
    "until": session.c.created_at < bindparam("until"),
}
"""What each field of a SessionFilter asks for, but `search`."""

_AT_SITES = session.c.site_id.in_(bindparam("sites", expanding=True))


@cache
def _filtered(asked: tuple[str, ...]) -> Select[Any]:
    return select(session.c.id).where(*(_CONDITIONS.get(name, _AT_SITES) for name in asked))


def _counted(rows: Select[Any], which: SessionFilter, values: Mapping[str, Any]) -> Select[Any]:
    at_some = values.keys() & {"sites", "site_id"}
    return rows if at_some or not which.statuts else _by_statut(rows, tuple(sorted(set(which.statuts))))


@cache
def _by_statut(ids: Select[Any], statuts: tuple[str, ...]) -> Select[Any]:
    """To be counted: an index knows how many there are of each, and is not asked for most of the rows at once."""
    return select(union_all(*(ids.where(session.c.statut == one) for one in statuts)).subquery("each").c.id)


@cache
def _with_poste(ids: Select[Any]) -> Select[Any]:
    return ids.outerjoin(poste, session.c.poste_id == poste.c.id)


@cache
def _by_poste(ids: Select[Any], descending: bool) -> Subquery:
    """As many as a page needs in the order of the postes, one poste after the other, and of those that have none."""
    slug, own = (column.desc() if descending else column.asc() for column in (poste.c.slug, session.c.id))
    most: Any = bindparam("page_most")
    placed = ids.add_columns(poste.c.slug).join(poste, session.c.poste_id == poste.c.id).order_by(slug, own)
    none = ids.add_columns(cast(null(), poste.c.slug.type).label("slug")).where(session.c.poste_id.is_(None))
    both = (placed.limit(most).subquery("placed"), none.order_by(own).limit(most).subquery("unplaced"))
    return union_all(*(select(one) for one in both)).subquery("by_poste")


def _called(tx: Transaction, typed: str) -> list[ColumnElement[bool]]:
    """Those whose person, poste or operator is so called: looked for there first, so that indexes find the sessions."""
    words = searchable(typed)
    persons = select(utilisateur.c.id).where(people.called(typed))
    places = select(poste.c.id).where(listing.contains(poste.c.slug, words))
    staff = select(operateur.c.id).where(listing.contains(operateur.c.login, words))
    return [
        session.c.utilisateur_id.in_(select(persons.cte("called").c.id)),
        one_of_few(tx, session.c.poste_id, places),
        one_of_few(tx, session.c.operateur_id, staff),
    ]


def _asked(row: Any, now: datetime) -> DemandeView | None:
    if row.demande_expire_a is None or row.demande_expire_a <= now:
        return None
    return DemandeView(
        secondes=row.demande_secondes, demandee_a=row.demandee_a, expire_a=row.demande_expire_a
    )


def _view(row: Any, now: datetime) -> SessionView:
    known = sessions.to_session(row)
    granted_ms, unspent_ms = known.granted_ms, known.unspent_ms(now)
    used_ms = granted_ms - unspent_ms
    total, left = -(-granted_ms // 1000), -(-unspent_ms // 1000)
    in_grace = known.in_grace(now)
    return SessionView(
        id=row.id,
        site=row.site_slug,
        poste=row.poste_slug,
        poste_nom=row.poste_nom,
        utilisateur=row.utilisateur_id,
        utilisateur_nom=f"{row.personne_prenom} {row.personne_nom}" if row.personne_nom else None,
        operateur=row.operateur_login,
        statut=known.statut,
        motif_fin=known.reason,
        motif_texte=reasons.sentence(known.reason) if known.reason else None,
        duree_initiale=known.initial_ms // 1000,
        temps_ajoute=known.added_ms // 1000,
        duree_totale=total,
        temps_restant=0 if known.statut in rules.ENDED else left,
        temps_ecoule=max(0, total - left),
        pourcentage_utilise=round(100 * used_ms / granted_ms, 1) if granted_ms else 100.0,
        est_expiree=in_grace or known.statut == rules.EXPIREE,
        en_grace=in_grace,
        debut_session=known.started_at,
        fin_prevue=known.deadline,
        fin_session=known.ended_at,
        suspendue_jusqu_a=known.suspended_until,
        code_expire_a=known.code_expires_at if known.statut == rules.EN_ATTENTE else None,
        demande_temps=_asked(row, now),
        notes=row.notes,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=known.version,
        maintenant=now,
    )
