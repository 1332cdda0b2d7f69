"""Members of staff with an account: created, edited, listed, and what they may do."""

import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import listing
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.sql import any_of
from fleet.database.tables import operateur, operateur_site, refresh_token, site
from fleet.domain.actor import ADMINISTRATEUR, ROLES, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import passwords
from fleet.usecases.fleet import Fleet

OPERATEURS = "operateur"
"""The topic of news about them: what is remembered of their rights must be read again."""
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?")


class OperateurView(Struct, frozen=True, kw_only=True):
    """A member of staff. `sites` are slugs; an administrateur sees all sites."""

    id: int
    login: str
    role: str
    sites: list[str]
    actif: bool
    totp: bool
    derniere_connexion: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class OperateurList(Struct, frozen=True):
    """A page of members of staff."""

    total: int
    limit: int
    offset: int
    resultats: list[OperateurView]


def actor_of(fleet: Fleet, operateur_id: int) -> Actor | None:
    """The rights of an operator as they are now; None for one that is gone or not active."""
    with fleet.database.read() as tx:
        rows = tx.execute(
            select(operateur.c.role, operateur.c.generation, operateur_site.c.site_id)
            .outerjoin(operateur_site, operateur_site.c.operateur_id == operateur.c.id)
            .where(operateur.c.id == operateur_id, operateur.c.actif.is_(True))
        ).all()
    if not rows:
        return None
    role = rows[0].role
    mine = frozenset(row.site_id for row in rows if row.site_id is not None)
    sites = None if role == ADMINISTRATEUR else mine
    return Actor(operateur_id, role, sites, is_operator=True, generation=rows[0].generation)


@dataclass(frozen=True)
class NewOperateur:
    """What an operator is created with; `sites` are ids, and mean nothing for an administrateur."""

    login: str
    password: str
    role: str
    sites: Sequence[int] = ()


@dataclass(frozen=True)
class OperateurEdit:
    """What may change of an operator. None leaves it as it is."""

    password: str | None = None
    role: str | None = None
    sites: Sequence[int] | None = None
    active: bool | None = None


def create(fleet: Fleet, actor: Actor, new: NewOperateur) -> int:
    """An operator. Gives the id. Raises Invalid for a login that is taken."""
    fleet.require(actor, ADMINISTRATEUR, "creation_operateur")
    login = new.login.strip().lower()
    if not _LOGIN.fullmatch(login):
        raise Invalid("login", "valeur_invalide", regle="a-z, 0-9 et . _ @ -, au plus 64 caractères")
    _check_role(new.role)
    stored = passwords.hashed(new.password)
    with fleet.attempt(actor, "creation_operateur") as (tx, _about):
        values = {"login": login, "mot_de_passe": stored, "role": new.role}
        # The number may have been that of somebody whom a restored database has forgotten.
        stamps = {"created_at": tx.now, "updated_at": tx.now, "generation": new_generation()}
        try:
            made = tx.execute(
                insert(operateur).values(**values, **stamps).returning(operateur.c.id)
            ).scalar_one()
        except IntegrityError:
            raise Invalid("login", "deja_pris", valeur=login) from None
        _set_sites(tx, made, new.sites)
        tx.record(_entry(actor, "creation_operateur", {"operateur": made, "role": new.role}))
        return int(made)


def new_generation() -> int:
    """One that no token is of, whatever was given out since the backup that a database was restored from: drawn, of
    a thousand million, so that it follows from nothing that was forgotten. A thousand million more fit the column."""
    return secrets.randbelow(10**9)


def edit(fleet: Fleet, actor: Actor, operateur_id: int, changes: OperateurEdit) -> None:
    """Change an operator. A new password, or not being active any more, logs them out. Raises Invalid."""
    fleet.require(actor, ADMINISTRATEUR, "modification_operateur")
    values: dict[str, Any] = {}
    if changes.role is not None:
        _check_role(changes.role)
        values["role"] = changes.role
    if changes.active is not None:
        values["actif"] = changes.active
    if changes.password is not None:
        values["mot_de_passe"] = passwords.hashed(changes.password)
    with fleet.attempt(actor, "modification_operateur") as (tx, _about):
        _keep_an_administrator(tx, operateur_id, values)
        stamps = {"updated_at": tx.now, "version": operateur.c.version + 1}
        if "mot_de_passe" in values or values.get("actif") is False:
            stamps["generation"] = operateur.c.generation + 1
        done = tx.execute(update(operateur).where(operateur.c.id == operateur_id).values(**values, **stamps))
        if done.rowcount != 1:
            raise NotFound("operateur")
        if changes.sites is not None:
            tx.execute(delete(operateur_site).where(operateur_site.c.operateur_id == operateur_id))
            _set_sites(tx, operateur_id, changes.sites)
        if "generation" in stamps:
            tx.execute(delete(refresh_token).where(refresh_token.c.operateur_id == operateur_id))
        fields = sorted({*values, *(["sites"] if changes.sites is not None else [])})
        tx.record(_entry(actor, "modification_operateur", {"operateur": operateur_id, "champs": fields}))
        tx.tell(0, OPERATEURS)


def _keep_an_administrator(tx: Transaction, operateur_id: int, values: Mapping[str, Any]) -> None:
    """Raise Refused where no active administrator would be left; two who remove each other come one by one."""
    if values.get("role", ADMINISTRATEUR) == ADMINISTRATEUR and values.get("actif", True):
        return
    active = (operateur.c.role == ADMINISTRATEUR, operateur.c.actif.is_(True))
    held = select(operateur.c.id).where(*active).order_by(operateur.c.id).with_for_update(key_share=True)
    if tx.execute(held).scalars().all() == [operateur_id]:
        raise Refused("dernier_administrateur")


def search(fleet: Fleet, actor: Actor, page: Page) -> OperateurList:
    """A page of the members of staff."""
    fleet.require(actor, ADMINISTRATEUR, "lecture_operateurs")
    sorts = {"login": operateur.c.login, "id": operateur.c.id, "role": operateur.c.role}
    with fleet.database.read() as tx:
        found = listing.fetch(tx, _seen(tx), page, sorts, "login")
    return OperateurList(found.total, page.limit, page.offset, [_view(row) for row in found.rows])


def one(fleet: Fleet, actor: Actor, operateur_id: int) -> OperateurView:
    """One member of staff: oneself, or anyone for an administrateur. Raises NotFound."""
    if operateur_id != actor.operateur_id:
        fleet.require(actor, ADMINISTRATEUR, "lecture_operateurs")
    with fleet.database.read() as tx:
        row = tx.execute(_seen(tx).where(operateur.c.id == operateur_id)).first()
    if row is None:
        raise NotFound("operateur")
    return _view(row)


def _seen(tx: Transaction) -> Select[Any]:
    joined = func.string_agg(site.c.slug, " ") if tx.is_postgresql else func.group_concat(site.c.slug, " ")
    slugs = (
        select(joined)
        .join_from(operateur_site, site, operateur_site.c.site_id == site.c.id)
        .where(operateur_site.c.operateur_id == operateur.c.id)
        .correlate(operateur)
        .scalar_subquery()
    )
    shown = [column for column in operateur.c if column.name not in ("mot_de_passe", "totp_scelle")]
    return select(*shown, slugs.label("sites"))


def _view(row: Any) -> OperateurView:
    return OperateurView(
        id=row.id,
        login=row.login,
        role=row.role,
        sites=sorted((row.sites or "").split()),
        actif=row.actif,
        totp=row.totp_depuis is not None,
        derniere_connexion=row.derniere_connexion,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
    )


def _set_sites(tx: Transaction, operateur_id: int, sites: Iterable[int]) -> None:
    wanted = sorted(set(sites))
    known = set(tx.execute(select(site.c.id).where(any_of(tx, site.c.id, wanted))).scalars())
    if known != set(wanted):
        raise Invalid("sites", "valeur_invalide", regle="des sites qui existent")
    if wanted:
        rows = [{"operateur_id": operateur_id, "site_id": site_id} for site_id in wanted]
        tx.execute(insert(operateur_site), rows)


def _check_role(role: str) -> None:
    if role not in ROLES:
        raise Invalid("role", "valeur_invalide", regle=" | ".join(ROLES))


def _entry(actor: Actor, action: str, facts: dict[str, Any]) -> Entry:
    personal = {"ip": actor.ip} if actor.ip else None
    return Entry(action, operateur_id=actor.operateur_id, metadata=facts, personal=personal)
