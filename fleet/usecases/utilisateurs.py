"""Members of the public: created, edited, found, their consent, and whether they may have a session now."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any

from msgspec import Struct
from sqlalchemy import (
    CTE,
    ColumnElement,
    Row,
    Select,
    and_,
    delete,
    exists,
    func,
    insert,
    select,
    true,
    update,
)
from sqlalchemy.exc import IntegrityError

from fleet.database import erasing, listing, local_time, people, places, sessions
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Ids, Page
from fleet.database.register import FORGOTTEN
from fleet.database.sql import now_within
from fleet.database.tables import session, site, utilisateur
from fleet.domain import optional_fields, quota
from fleet.domain import session as rules
from fleet.domain import utilisateur as person
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import consents, withdrawals
from fleet.usecases.fleet import Fleet


class UtilisateurView(Struct, frozen=True, kw_only=True):
    """A member of the public. What follows `nombre_sessions` is as of now, by the rules of `site`."""

    id: int
    nom: str
    prenom: str
    email: str | None
    telephone: str | None
    date_naissance: date | None
    age: int | None
    categorie: str | None
    piece_identite_type: str | None
    piece_vue_par: int | None
    photo: bool
    consentement_rgpd: bool
    date_consentement: datetime | None
    version_notice: int | None
    cree_par: int | None
    notes: str
    nombre_sessions: int
    derniere_session: datetime | None
    sessions_aujourdhui: int
    session_en_cours: int | None
    site: str | None
    peut_creer_session: bool
    motif_refus: str | None
    motif_texte: str | None
    created_at: datetime
    updated_at: datetime
    version: int


class UtilisateurList(Struct, frozen=True):
    """A page of members of the public."""

    total: int
    limit: int
    offset: int
    resultats: list[UtilisateurView]


class CanCreate(Struct, frozen=True):
    """Whether a session may be created for this person now, at this site, and why not; and what the quotas leave.

    What is left is null where there is no limit.
    """

    peut_creer_session: bool
    motif: str | None
    motif_texte: str | None
    site: str | None
    sessions_aujourdhui: int
    sessions_restantes: int | None
    secondes_restantes_jour: int | None
    secondes_restantes_semaine: int | None


@dataclass(frozen=True)
class _Here:
    """The site by whose day and rules people are looked at; none when the actor has none."""

    site: places.Site | None
    day: datetime
    week: datetime
    now: datetime

    @property
    def used_fields(self) -> Collection[str]:
        return () if self.site is None else self.site.used_fields

    @property
    def today(self) -> date:
        return self.now.date() if self.site is None else self.site.hours.local_date(self.now)


_SORTS = {
    "nom": utilisateur.c.nom,
    "prenom": utilisateur.c.prenom,
    "id": utilisateur.c.id,
    "created_at": utilisateur.c.created_at,
    "date_naissance": utilisateur.c.date_naissance,
}
_theirs = session.c.utilisateur_id == utilisateur.c.id
EDITABLE = (
    "nom",
    "prenom",
    "email",
    "telephone",
    "date_naissance",
    "categorie",
    "piece_identite_type",
    "piece_vue",
    "consentement_rgpd",
    "notes",
)


def search(
    fleet: Fleet,
    actor: Actor,
    page: Page,
    *,
    typed: str | None = None,
    categorie: str | None = None,
    consent: bool | None = None,
    site_id: int | None = None,
) -> UtilisateurList:
    """A page of people; what is typed is found without accents or case."""
    if site_id is not None:
        fleet.require_site(actor, site_id)
    with fleet.database.glance() as tx:
        place = _place(tx, actor, site_id)
        ids = select(utilisateur.c.id)
        if typed:
            ids = ids.where(people.called(typed))
        if categorie is not None:
            ids = ids.where(utilisateur.c.categorie == categorie)
        if consent is not None:
            ids = ids.where(utilisateur.c.consentement_rgpd.is_(consent))
        found = listing.fetch_long(tx, _with_place(tx, place), Ids(ids, ids), page, _SORTS, "nom")
        if site_id is not None and not (found.rows and found.rows[0].ici_id):
            places.site(tx, site_id)
    here = _at(_site_of(found.rows[0]), found.now) if found.rows else None
    views = [_view(row, here) for row in found.rows if here is not None]
    return UtilisateurList(found.total, page.limit, page.offset, views)


def one(fleet: Fleet, actor: Actor, utilisateur_id: int, site_id: int | None = None) -> UtilisateurView:
    """One member of the public. Raises NotFound."""
    return _view(*_found(fleet, actor, utilisateur_id, site_id))


def _found(fleet: Fleet, actor: Actor, utilisateur_id: int, site_id: int | None) -> tuple[Row[Any], _Here]:
    with fleet.guarded(actor), fleet.database.read() as tx:
        here = _here(tx, actor, site_id)
        row = tx.execute(
            _seen(here.day, here.week, here.now).where(utilisateur.c.id == utilisateur_id)
        ).first()
    if row is None:
        raise NotFound("utilisateur")
    return row, here


def can_create(fleet: Fleet, actor: Actor, utilisateur_id: int, site_id: int | None = None) -> CanCreate:
    """Whether a session may be created for this person now. Raises NotFound."""
    row, here = _found(fleet, actor, utilisateur_id, site_id)
    seen, left = _view(row, here), _left(row, here)
    return CanCreate(
        seen.peut_creer_session,
        seen.motif_refus,
        seen.motif_texte,
        seen.site,
        seen.sessions_aujourdhui,
        left.sessions_today,
        _seconds(left.today_ms),
        _seconds(left.week_ms),
    )


def _left(row: Any, here: _Here) -> quota.Left:
    if here.site is None:
        return quota.Left(None, None, None)
    return quota.left(_usage(row), here.site.policy, row.categorie)


def _seconds(ms: int | None) -> int | None:
    return None if ms is None else ms // 1000


def create(fleet: Fleet, actor: Actor, fields: Mapping[str, Any], site_id: int | None = None) -> int:
    """A member of the public (`fields` are EDITABLE). Gives the id. Raises Invalid."""
    fleet.require(actor, OPERATEUR, "creation_utilisateur")
    for needed in ("nom", "prenom"):
        if needed not in fields:
            raise Invalid(needed, "valeur_invalide", regle="de 1 à 100 caractères")
    with fleet.attempt(actor, "creation_utilisateur") as (tx, about):
        here = _here(tx, actor, site_id)
        values = _cleaned(fields, actor, here)
        optional_fields.require(here.used_fields, values)
        values["recherche"] = _searchable(values)
        stamps = {"created_at": tx.now, "updated_at": tx.now, "cree_par": actor.operateur_id}
        insertion = insert(utilisateur).values(**values, **stamps).returning(utilisateur.c.id)
        about.utilisateur_id = int(tx.execute(insertion).scalar_one())
        facts = {"champs": sorted(key for key, value in values.items() if value and key != "recherche")}
        tx.record(_entry(actor, "creation_utilisateur", about.utilisateur_id, facts))
        return about.utilisateur_id


def edit(
    fleet: Fleet, actor: Actor, utilisateur_id: int, fields: Mapping[str, Any], site_id: int | None = None
) -> None:
    """Change some of the EDITABLE fields. Raises Invalid."""
    fleet.require(actor, OPERATEUR, "modification_utilisateur")
    with fleet.attempt(actor, "modification_utilisateur") as (tx, about):
        about.utilisateur_id = utilisateur_id
        revokes = not fields.get("consentement_rgpd", True)
        waiting = withdrawals.lock_sessions(tx, utilisateur_id, [rules.EN_ATTENTE]) if revokes else []
        row, here = people.locked(tx, utilisateur_id), _here(tx, actor, site_id)
        values = _cleaned(fields, actor, here)
        changed = {key: value for key, value in values.items() if getattr(row, key) != value}
        optional_fields.require(here.used_fields, changed)
        if row.consentement_rgpd and values.get("consentement_rgpd"):
            changed = {k: v for k, v in changed.items() if k not in ("date_consentement", "version_notice")}
        if not changed:
            return
        revoked = changed.get("consentement_rgpd") is False
        if revoked:
            changed |= consents.taken_back(tx, actor, row, waiting)
        save(tx, row, changed)
        action = "revocation_consentement" if revoked else "modification_utilisateur"
        tx.record(_entry(actor, action, utilisateur_id, {"champs": sorted(changed)}))


def revoke_consent(fleet: Fleet, actor: Actor, utilisateur_id: int) -> None:
    """The person takes the consent back: no new session from now on; codes that wait, bookings and tickets are
    withdrawn, and what rested on the consent alone is forgotten. A session that runs goes on to its end. Idempotent."""
    edit(fleet, actor, utilisateur_id, {"consentement_rgpd": False})


def renew_consent(fleet: Fleet, actor: Actor, utilisateur_id: int, site_id: int | None = None) -> None:
    """The person has read the notice as it is now, and agrees again: today, to this version. Nothing changes for who
    agreed to it before. Raises Refused for somebody who does not agree."""
    fleet.require(actor, OPERATEUR, "modification_utilisateur")
    with fleet.attempt(actor, "modification_utilisateur") as (tx, about):
        about.utilisateur_id = utilisateur_id
        row, here = people.locked(tx, utilisateur_id), _here(tx, actor, site_id)
        if not row.consentement_rgpd:
            raise Refused("consentement_absent")
        given = _consent(True, here)
        if given["version_notice"] == row.version_notice:
            return
        save(tx, row, given)
        facts = {"champs": ["date_consentement", "version_notice"]}
        tx.record(_entry(actor, "modification_utilisateur", utilisateur_id, facts))


def used_fields(tx: Transaction, actor: Actor, site_id: int | None) -> Collection[str]:
    """What may be asked of people at the asked site, else at the first one of the actor."""
    return _here(tx, actor, site_id).used_fields


def remove(fleet: Fleet, actor: Actor, utilisateur_id: int) -> None:
    """Delete somebody who never had a session. Raises Refused."""
    fleet.require(actor, OPERATEUR, "suppression_utilisateur")
    with fleet.attempt(actor, "suppression_utilisateur") as (tx, about):
        about.utilisateur_id = utilisateur_id
        people.locked(tx, utilisateur_id)
        if tx.execute(select(exists().where(session.c.utilisateur_id == utilisateur_id))).scalar_one():
            raise Refused("utilisateur_utilise")
        try:
            tx.execute(delete(utilisateur).where(utilisateur.c.id == utilisateur_id))
        except IntegrityError:
            raise Refused("utilisateur_utilise") from None
        tx.forget(FORGOTTEN, utilisateur_id)
        erasing.hold_back_answers(tx)
        tx.record(_entry(actor, "suppression_utilisateur", utilisateur_id, {}))


def save(tx: Transaction, row: Row[Any], changed: dict[str, Any]) -> None:
    """Write these columns of somebody who is locked, and the words by which they are found."""
    words = _searchable({**row._mapping, **changed})
    stamps = {"updated_at": tx.now, "version": utilisateur.c.version + 1, "recherche": words}
    tx.execute(update(utilisateur).where(utilisateur.c.id == row.id).values(**changed, **stamps))


def _searchable(values: Mapping[str, Any]) -> str:
    words = (values.get(key) for key in ("nom", "prenom", "email", "telephone"))
    return person.searchable(*words)[:600]


def _cleaned(fields: Mapping[str, Any], actor: Actor, here: _Here) -> dict[str, Any]:
    """The columns that these fields mean. Raises Invalid."""
    cleaners: dict[str, Callable[[Any], Any]] = {
        "nom": lambda value: person.name("nom", value),
        "prenom": lambda value: person.name("prenom", value),
        "email": person.email,
        "telephone": person.telephone,
        "date_naissance": lambda value: person.birth_date(value, here.today),
        "categorie": lambda value: _word("categorie", value, 64),
        "piece_identite_type": lambda value: _word("piece_identite_type", value, 32),
        "notes": lambda value: _word("notes", value, 10_000) or "",
    }
    values: dict[str, Any] = {
        field: clean(fields[field]) for field, clean in cleaners.items() if field in fields
    }
    if "piece_vue" in fields:
        values["piece_vue_par"] = actor.operateur_id if fields["piece_vue"] else None
    if "consentement_rgpd" in fields:
        values |= _consent(fields["consentement_rgpd"], here)
    return values


def _consent(given: bool, here: _Here) -> dict[str, Any]:
    version = here.site.notice_version if given and here.site else None
    return {
        "consentement_rgpd": given,
        "date_consentement": here.now if given else None,
        "version_notice": version,
    }


def _word(field: str, typed: str | None, most: int) -> str | None:
    if typed is None:
        return None
    if len(typed) > most or "\x00" in typed:
        raise Invalid(field, "valeur_invalide", regle=f"au plus {most} caractères")
    return typed.strip() or None


def _here(tx: Transaction, actor: Actor, site_id: int | None) -> _Here:
    """The asked site, else the first one of the actor. Raises NotFound for a foreign one."""
    if site_id is not None:
        actor.require_site(site_id)
        return _at(places.site(tx, site_id), tx.now)
    mine = select(site.c.id).where(listing.seen_by(tx, actor, site.c.id)).order_by(site.c.id).limit(1)
    first = tx.execute(mine).scalar_one_or_none()
    return _at(None if first is None else places.site(tx, first), tx.now)


def _at(here: places.Site | None, now: datetime) -> _Here:
    if here is None:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return _Here(None, midnight, midnight, now)
    day, _ = here.hours.day_bounds(now)
    return _Here(here, day, here.hours.week_start(now), now)


def _place(tx: Transaction, actor: Actor, site_id: int | None) -> CTE:
    """The site of `_here` within a statement, with the beginnings of its day and week; no row where there is none."""
    now = now_within(tx)
    mine = listing.seen_by(tx, actor, site.c.id) if site_id is None else site.c.id == site_id
    starts = (local_time.start(tx, unit, now, site.c.zone).label(unit) for unit in ("day", "week"))
    shown = (site.c[name] for name in _SITE)
    return select(*shown, *starts).where(mine).order_by(site.c.id).limit(1).cte("ici")


def _with_place(tx: Transaction, place: CTE) -> Select[Any]:
    now = now_within(tx)
    day, week = (
        func.coalesce(select(place.c[unit]).scalar_subquery(), local_time.start(tx, "day", now, "UTC"))
        for unit in ("day", "week")
    )
    told = (place.c[name].label(f"ici_{name}") for name in _SITE)
    joined = utilisateur.outerjoin(place, true())
    return _seen(day, week, now).add_columns(*told).select_from(joined)


_SITE = (
    "id",
    "slug",
    "nom",
    "zone",
    "horaires",
    "exceptions",
    "politique",
    "notice",
    "config_rev",
    "notice_version",
    "champs",
)


def _site_of(row: Any) -> places.Site | None:
    if row.ici_id is None:
        return None
    return places.to_site(SimpleNamespace(**{name: getattr(row, f"ici_{name}") for name in _SITE}))


def _seen(day: Any, week: Any, now: Any) -> Select[Any]:
    """People with what `fleet.database.sessions.usage` counts, for a whole page at once."""
    today = session.c.debut_session >= day
    # Of the few that have not begun: what waits everywhere would else be gone through for each person.
    unbegun = and_(session.c.debut_session.is_(None), session.c.statut == rules.EN_ATTENTE)
    waiting = and_(unbegun, session.c.code_expire_a > now)
    running = and_(_theirs, session.c.statut.in_(rules.ON_POSTE))
    spent = func.coalesce(func.sum(sessions.counted()), 0)
    counts = {
        "nombre_sessions": select(func.count()).where(_theirs),
        "derniere_session": select(func.max(session.c.debut_session)).where(_theirs),
        "commencees": select(func.count()).where(_theirs, today),
        "attendues": select(func.count()).where(_theirs, waiting),
        "jour_ms": select(spent).where(_theirs, today),
        "semaine_ms": select(spent).where(_theirs, session.c.debut_session >= week),
        "en_cours": select(session.c.id).where(running),
    }
    columns: dict[str, ColumnElement[Any]] = {
        word: wanted.correlate(utilisateur).scalar_subquery() for word, wanted in counts.items()
    }
    columns["sessions_jour"] = columns.pop("commencees") + columns.pop("attendues")
    return select(utilisateur, *(column.label(word) for word, column in columns.items()))


def _usage(row: Any) -> quota.Usage:
    return quota.Usage(int(row.sessions_jour), int(row.jour_ms), int(row.semaine_ms))


def _refusal(row: Any, here: _Here) -> Refused | None:
    if not row.consentement_rgpd:
        return Refused("consentement_absent")
    if here.site is None:
        return None
    try:
        quota.check(_usage(row), rules.SHORTEST_MS, here.site.policy, row.categorie)
    except Refused as refusal:
        return refusal
    return None


def _view(row: Any, here: _Here) -> UtilisateurView:
    refusal = _refusal(row, here)
    return UtilisateurView(
        id=row.id,
        nom=row.nom,
        prenom=row.prenom,
        email=row.email,
        telephone=row.telephone,
        date_naissance=row.date_naissance,
        age=person.age(row.date_naissance, here.today),
        categorie=row.categorie,
        piece_identite_type=row.piece_identite_type,
        piece_vue_par=row.piece_vue_par,
        photo=row.photo is not None,
        consentement_rgpd=row.consentement_rgpd,
        date_consentement=row.date_consentement,
        version_notice=row.version_notice,
        cree_par=row.cree_par,
        notes=row.notes,
        nombre_sessions=row.nombre_sessions,
        derniere_session=row.derniere_session,
        sessions_aujourdhui=row.sessions_jour,
        session_en_cours=row.en_cours,
        site=None if here.site is None else here.site.slug,
        peut_creer_session=refusal is None,
        motif_refus=None if refusal is None else refusal.reason,
        motif_texte=None if refusal is None else refusal.said,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _entry(actor: Actor, action: str, utilisateur_id: int, facts: Mapping[str, Any]) -> Entry:
    return Entry(
        action,
        operateur_id=actor.operateur_id,
        utilisateur_id=utilisateur_id,
        metadata=facts,
        personal={"ip": actor.ip} if actor.ip else None,
    )
