"""Postes as they are shown: what is wanted of them, what is observed, and the statut that follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from msgspec import Struct, convert, structs
from sqlalchemy import ColumnElement, Interval, Select, and_, case, exists, func, literal, or_, select, text

from fleet.database import listing
from fleet.database.engine import Transaction
from fleet.database.gaps import Places
from fleet.database.listing import Page
from fleet.database.sql import any_of, folded, now_within
from fleet.database.tables import booking, desired, poste, presence, queue, session, site
from fleet.database.types import Instant
from fleet.domain import booking as booking_rules
from fleet.domain import poste as rules
from fleet.domain import session as session_rules
from fleet.domain.actor import Actor
from fleet.domain.errors import NotFound
from fleet.domain.utilisateur import searchable
from fleet.usecases.fleet import Fleet
from protocol.messages import Info

DEBOUNCE = timedelta(seconds=5)
"""How long a lost poste keeps its former statut: most cuts are shorter."""


class PosteView(Struct, frozen=True, kw_only=True):
    """One public computer. `est_en_ligne` null: nobody knows, the controller lost the broker."""

    id: int
    slug: str
    nom: str
    site: str
    emplacement: str
    ip_address: str | None
    mac_address: str | None
    notes: str
    plan_x: float | None
    plan_y: float | None
    statut: str
    statut_voulu: str
    est_en_ligne: bool | None
    est_disponible: bool
    session_active: int | None
    session_statut: str | None
    fin_prevue: datetime | None
    phase: str | None
    version_client: str | None
    derniere_connexion: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class Machine(Struct, frozen=True, kw_only=True):
    """What the machine of a poste told of itself at its last connection. Null, 0 or empty: it did not say.

    `ip` and `mac` are what it really has, where `ip_address` and `mac_address` are what was written down of it.
    Sizes are in bytes; `charge` and `inactif_s` are of its last heartbeat.
    """

    systeme: str
    nom_hote: str
    ip: str | None
    mac: str | None
    python: str
    memoire: int
    disque: int
    disque_libre: int
    ecrans: list[str]
    capacites: list[str]
    protocole: int
    charge: float
    inactif_s: int


class PosteDetail(PosteView, frozen=True, kw_only=True):
    """One public computer, with its machine; null where it never came."""

    machine: Machine | None


class PosteList(Struct, frozen=True):
    """A page of postes."""

    total: int
    limit: int
    offset: int
    resultats: list[PosteView]


class PosteCounts(Struct, frozen=True):
    """How many postes there are now, in all, online, and by statut."""

    total: int
    en_ligne: int
    par_statut: dict[str, int]


@dataclass(frozen=True)
class PosteFilter:
    """Which postes. None asks for nothing; `search` looks at slug, name and place."""

    statuts: Sequence[str] = ()
    site_id: int | None = None
    online: bool | None = None
    available: bool = False
    search: str | None = None


_SORTS = {
    "nom": poste.c.nom_tri,
    "slug": poste.c.slug,
    "id": poste.c.id,
    "emplacement": poste.c.emplacement,
    "derniere_connexion": presence.c.derniere_connexion,
    "fin_prevue": session.c.fin_prevue,
}
_on_poste = (session.c.poste_id == poste.c.id) & session.c.statut.in_(session_rules.ON_POSTE)


def _seen(now: Any) -> Select[Any]:
    return (
        select(
            poste,
            site.c.slug.label("site_slug"),
            presence.c.online,
            presence.c.boot,
            presence.c.since,
            presence.c.phase,
            presence.c.version_client,
            presence.c.derniere_connexion,
            desired.c.needs_care,
            session.c.id.label("session_id"),
            session.c.statut.label("session_statut"),
            session.c.fin_prevue,
            _reserved(now).label("reserve"),
        )
        .join_from(poste, site, poste.c.site_id == site.c.id)
        .outerjoin(presence, presence.c.poste_id == poste.c.id)
        .outerjoin(desired, desired.c.poste_id == poste.c.id)
        .outerjoin(session, _on_poste)
    )


def _after(now: Any, by: timedelta) -> Any:
    return now + (by if isinstance(now, datetime) else literal(by, Interval))


def _reserved(now: Any) -> ColumnElement[bool]:
    """Whether a code names the poste, somebody was called to it, or a booking of it is near or has begun."""
    waiting = session.alias("waiting")
    by_code = exists().where(
        waiting.c.poste_id == poste.c.id,
        waiting.c.statut == session_rules.EN_ATTENTE,
        waiting.c.code_expire_a > now,
    )
    # In the words of their partial indexes.
    called = exists().where(queue.c.poste_id == poste.c.id, text("attente.statut = 'appelee'"))
    promised = exists().where(
        booking.c.poste_id == poste.c.id,
        text("reservation.statut = 'prevue'"),
        booking.c.debut <= _after(now, booking_rules.NEAR),
        booking.c.debut > _after(now, -booking_rules.LATE),
        booking.c.fin > now,
    )
    return or_(by_code, called, promised)


def free(tx: Transaction, site_id: int) -> list[int]:
    """The postes of a site that a visitor can take now, in the order of their names.

    One whose session has just ended is free in the books before it has locked: it says itself when it is clean.
    """
    ready = (_statut(tx.now) == rules.DISPONIBLE, presence.c.online.is_(True), presence.c.phase == "locked")
    rows = _seen(tx.now).where(poste.c.site_id == site_id, *ready)
    return [row.id for row in tx.execute(rows.order_by(poste.c.nom_tri, poste.c.id))]


def callable_postes(tx: Transaction, site_id: int, ids: Sequence[int]) -> set[int]:
    """Which of these postes could still take the visitor that was called to them."""
    rows = _seen(tx.now).where(
        poste.c.site_id == site_id,
        any_of(tx, poste.c.id, ids),
        _statut(tx.now).in_((rules.RESERVE, rules.DISPONIBLE)),
    )
    return {row.id for row in tx.execute(rows)}


def _statut(now: Any) -> ColumnElement[str]:
    """`fleet.domain.poste.statut` in the words of the database, to filter by; a test holds the two together."""
    lost = and_(
        presence.c.online.is_(False),
        or_(presence.c.since.is_(None), presence.c.since <= _after(now, -DEBOUNCE)),
    )
    return case(
        (poste.c.statut_voulu == rules.HORS_LIGNE, rules.HORS_LIGNE),
        (session.c.id.is_not(None), rules.OCCUPE),
        (
            or_(poste.c.statut_voulu == rules.MAINTENANCE, desired.c.needs_care.is_not(None)),
            rules.MAINTENANCE,
        ),
        (or_(lost, presence.c.boot.is_(None)), rules.HORS_LIGNE),
        (presence.c.phase == "cleaning", rules.NETTOYAGE),
        (presence.c.phase == "maintenance", rules.MAINTENANCE),
        (_reserved(now), rules.RESERVE),
        else_=literal(rules.DISPONIBLE),
    )


def one(fleet: Fleet, actor: Actor, poste_id: int) -> PosteView:
    """One poste. Raises NotFound."""
    row = _one(fleet, actor, poste_id)
    return view(row, row.maintenant)


def detail(fleet: Fleet, actor: Actor, poste_id: int) -> PosteDetail:
    """One poste and its machine. Raises NotFound."""
    row = _one(fleet, actor, poste_id, presence.c.info, presence.c.load, presence.c.idle_s)
    return PosteDetail(**structs.asdict(view(row, row.maintenant)), machine=_machine(row))


def _one(fleet: Fleet, actor: Actor, poste_id: int, *more: ColumnElement[Any]) -> Any:
    with fleet.guarded(actor), fleet.database.glance() as tx:
        wanted = _seen(now_within(tx)).add_columns(listing.now_column(tx), *more)
        row = tx.execute(wanted.where(poste.c.id == poste_id)).first()
        if row is None:
            raise NotFound("poste")
        actor.require_site(row.site_id, "poste", poste_id)
    return row


def _machine(row: Any) -> Machine | None:
    if row.info is None:
        return None
    told = convert(row.info, Info)
    return Machine(
        systeme=told.os,
        nom_hote=told.hostname,
        ip=told.ip,
        mac=told.mac,
        python=told.python,
        memoire=told.ram_bytes,
        disque=told.disk_bytes,
        disque_libre=told.disk_free_bytes,
        ecrans=list(told.screens),
        capacites=list(told.capabilities),
        protocole=told.protocol,
        charge=row.load,
        inactif_s=row.idle_s,
    )


def some(tx: Transaction, ids: Sequence[int]) -> list[PosteView]:
    """Some postes, by their ids."""
    return [view(row, tx.now) for row in tx.execute(_seen(tx.now).where(any_of(tx, poste.c.id, ids)))]


def of_sites(tx: Transaction, site_ids: Sequence[int]) -> list[PosteView]:
    """All postes of some sites."""
    wanted = _seen(tx.now).where(any_of(tx, poste.c.site_id, site_ids)).order_by(poste.c.id)
    return [view(row, tx.now) for row in tx.execute(wanted)]


def search(fleet: Fleet, actor: Actor, which: PosteFilter, page: Page) -> PosteList:
    """A page of the postes that the actor sees."""
    with fleet.database.glance() as tx:
        found = listing.fetch(tx, _filtered(tx, actor, which), page, _SORTS, "nom")
    return PosteList(found.total, page.limit, page.offset, [view(row, found.now) for row in found.rows])


def _filtered(tx: Transaction, actor: Actor, which: PosteFilter) -> Select[Any]:
    now = now_within(tx)
    statement = _seen(now).where(listing.seen_by(tx, actor, poste.c.site_id))
    if which.site_id is not None:
        statement = statement.where(poste.c.site_id == which.site_id)
    if which.online is not None:
        there = presence.c.online.is_(True)
        statement = statement.where(
            there if which.online else func.coalesce(presence.c.online, False).is_(False)
        )
    if which.available:
        statement = statement.where(_statut(now) == rules.DISPONIBLE, presence.c.online.is_(True))
    if which.statuts:
        statement = statement.where(_statut(now).in_(which.statuts))
    if which.search:
        said = folded(poste.c.slug + " " + poste.c.nom + " " + poste.c.emplacement)
        statement = statement.where(listing.contains(said, searchable(which.search)))
    return statement


def counts(fleet: Fleet, actor: Actor, site_id: int | None) -> PosteCounts:
    """How many postes are in which statut now."""
    with fleet.database.glance() as tx:
        places = Places.of(actor, site_id)
        counted = _counted_now(places) if tx.is_postgresql else _counted(places, tx.now)
        found = tx.execute(counted, places.told(actor, site_id)).all()
    return PosteCounts(
        total=sum(row.total for row in found),
        en_ligne=sum(row.en_ligne for row in found),
        par_statut=dict.fromkeys(rules.STATUTS, 0) | {row.statut: row.total for row in found},
    )


@cache
def _counted_now(places: Places) -> Select[Any]:
    return _counted(places, func.statement_timestamp(type_=Instant))


def _counted(places: Places, now: Any) -> Select[Any]:
    rows = _seen(now).where(places.hold(poste.c.site_id))
    each = rows.with_only_columns(
        _statut(now).label("statut"), presence.c.online, maintain_column_froms=True
    ).subquery()
    online = func.count().filter(each.c.online.is_(True))
    counted = select(each.c.statut, func.count().label("total"), online.label("en_ligne"))
    return counted.group_by(each.c.statut)


def observed(row: Any, now: datetime) -> rules.Observed:
    """What a row says of a poste, for the rule that names its statut."""
    fresh = row.online is False and row.since is not None and now - row.since < DEBOUNCE
    known = False if row.boot is None else row.online
    return rules.Observed(
        wanted=row.statut_voulu,
        online=True if fresh and row.boot is not None else known,
        phase=row.phase,
        has_session=row.session_id is not None,
        is_reserved=bool(row.reserve),
        needs_care=row.needs_care is not None,
    )


def view(row: Any, now: datetime) -> PosteView:
    """A poste as it is shown."""
    statut = rules.statut(observed(row, now))
    return PosteView(
        id=row.id,
        slug=row.slug,
        nom=row.nom,
        site=row.site_slug,
        emplacement=row.emplacement,
        ip_address=row.ip_address,
        mac_address=row.mac_address,
        notes=row.notes,
        plan_x=row.plan_x,
        plan_y=row.plan_y,
        statut=statut,
        statut_voulu=row.statut_voulu,
        est_en_ligne=False if row.boot is None else row.online,
        est_disponible=statut == rules.DISPONIBLE and row.online is True,
        session_active=row.session_id,
        session_statut=row.session_statut,
        fin_prevue=row.fin_prevue,
        phase=row.phase,
        version_client=row.version_client,
        derniere_connexion=row.derniere_connexion,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )
