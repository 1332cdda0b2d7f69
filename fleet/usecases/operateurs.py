"""Members of staff with an account: created, edited, and the tokens by which they stay logged in."""

import hashlib
import re
import secrets
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy import Row, Select, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import listing
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.listing import Page
from fleet.database.sql import any_of
from fleet.database.tables import operateur, operateur_site, refresh_token, site
from fleet.domain import throttle
from fleet.domain.actor import ADMINISTRATEUR, ROLES, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import passwords
from fleet.usecases.fleet import Fleet

OPERATEURS = "operateur"
"""The topic of news about them: what is remembered of their rights must be read again."""
REFRESH_TTL = timedelta(hours=12)
_LOGIN = re.compile(r"[a-z0-9](?:[a-z0-9._@-]{0,62}[a-z0-9])?")


class OperateurView(Struct, frozen=True, kw_only=True):
    """A member of staff. `sites` are slugs; an administrateur sees all sites."""

    id: int
    login: str
    role: str
    sites: list[str]
    actif: bool
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


@dataclass(frozen=True)
class Known:
    """An operator who has just proved to be one: who, and the token to stay logged in."""

    operateur_id: int
    login: str
    role: str
    refresh_token: str
    refresh_expires_at: datetime


@dataclass
class LoginThrottle:
    """Wrong passwords by (login, source): somebody else's tries never lock an operator out. Kept in memory."""

    _tries: dict[tuple[str, str], throttle.Tries] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, login: str, source: str, now: datetime) -> None:
        """Raise Refused while this source must wait for this login."""
        with self._lock:
            wait_s = self._tries.get((login, source), throttle.Tries()).wait_s(now)
        if wait_s:
            raise Refused("trop_d_essais", retry_after_s=wait_s)

    def failed(self, login: str, source: str, now: datetime) -> None:
        """One more wrong password."""
        with self._lock:
            if len(self._tries) > 10_000:
                self._forget(now)
            tries = self._tries.get((login, source), throttle.Tries())
            self._tries[login, source] = throttle.failed(tries, now)

    def succeeded(self, login: str, source: str) -> None:
        """The right one: start counting anew."""
        with self._lock:
            self._tries.pop((login, source), None)

    def _forget(self, now: datetime) -> None:
        waiting = {key: tries for key, tries in self._tries.items() if tries.wait_s(now)}
        self._tries = waiting if len(waiting) <= 10_000 else {}


def authenticate(
    fleet: Fleet, limit: LoginThrottle, login: str, password: str, source: str, ttl: timedelta = REFRESH_TTL
) -> Known:
    """Log an operator in and begin a family of refresh tokens. Raises Refused.

    Takes the same time for an unknown login. `source` is the address of the caller.
    """
    wanted = login.strip().lower()
    with fleet.database.read() as tx:
        row = tx.execute(select(operateur).where(operateur.c.login == wanted)).first()
        now = tx.now
    limit.check(wanted, source, now)
    known = passwords.matches(None if row is None else row.mot_de_passe, password)
    actor = Actor(operateur_id=None if row is None else row.id, ip=source)
    if row is None or not known or not row.actif:
        limit.failed(wanted, source, now)
    with fleet.attempt(actor, "connexion_operateur") as (tx, _about):
        if row is None or not known or not row.actif:
            raise Refused("identifiants_refuses")
        limit.succeeded(wanted, source)
        tx.execute(update(operateur).where(operateur.c.id == row.id).values(derniere_connexion=tx.now))
        tx.record(_entry(actor, "connexion_operateur", {}))
        tx.execute(
            delete(refresh_token).where(
                refresh_token.c.operateur_id == row.id, refresh_token.c.expires_at < tx.now
            )
        )
        return _token(tx, row, secrets.token_hex(16), ttl)


def rotate(fleet: Fleet, token: str, ttl: timedelta = REFRESH_TTL) -> Known:
    """A new refresh token for this one, which is over. One that was used before kills its whole family.

    Raises Refused.
    """
    with fleet.database.transaction() as tx:
        known = _rotated(tx, token, ttl)
    if known is None:
        raise Refused("jeton_refuse")
    return known


def _rotated(tx: Transaction, token: str, ttl: timedelta) -> Known | None:
    held = select(refresh_token).where(refresh_token.c.token_hash == _hash(token)).with_for_update()
    row = tx.execute(held).first()
    if row is None or row.expires_at <= tx.now:
        return None
    if row.used_at is not None:
        _kill(tx, row)
        return None
    who = tx.execute(select(operateur).where(operateur.c.id == row.operateur_id)).one()
    if not who.actif:
        return None
    tx.execute(update(refresh_token).where(refresh_token.c.id == row.id).values(used_at=tx.now))
    return _token(tx, who, row.family, ttl)


def _kill(tx: Transaction, row: Row[Any]) -> None:
    tx.execute(delete(refresh_token).where(refresh_token.c.family == row.family))
    facts = {"motif": "jeton_rejoue"}
    tx.record(Entry("refus", operateur_id=row.operateur_id, metadata=facts))


def logout(fleet: Fleet, token: str) -> None:
    """End the family of a refresh token. Unknown ones are over already."""
    with fleet.database.transaction() as tx:
        held = select(refresh_token).where(refresh_token.c.token_hash == _hash(token))
        row = tx.execute(held).first()
        if row is None:
            return
        tx.execute(delete(refresh_token).where(refresh_token.c.family == row.family))
        tx.record(Entry("deconnexion_operateur", operateur_id=row.operateur_id))


def actor_of(fleet: Fleet, operateur_id: int) -> Actor | None:
    """The rights of an operator as they are now; None for one that is gone or not active."""
    with fleet.database.read() as tx:
        rows = tx.execute(
            select(operateur.c.role, operateur_site.c.site_id)
            .outerjoin(operateur_site, operateur_site.c.operateur_id == operateur.c.id)
            .where(operateur.c.id == operateur_id, operateur.c.actif.is_(True))
        ).all()
    if not rows:
        return None
    role = rows[0].role
    mine = frozenset(row.site_id for row in rows if row.site_id is not None)
    return Actor(operateur_id, role, None if role == ADMINISTRATEUR else mine, is_operator=True)


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
        stamps = {"created_at": tx.now, "updated_at": tx.now}
        try:
            made = tx.execute(
                insert(operateur).values(**values, **stamps).returning(operateur.c.id)
            ).scalar_one()
        except IntegrityError:
            raise Invalid("login", "deja_pris", valeur=login) from None
        _set_sites(tx, made, new.sites)
        tx.record(_entry(actor, "creation_operateur", {"operateur": made, "role": new.role}))
        return int(made)


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
        stamps = {"updated_at": tx.now, "version": operateur.c.version + 1}
        done = tx.execute(update(operateur).where(operateur.c.id == operateur_id).values(**values, **stamps))
        if done.rowcount != 1:
            raise NotFound("operateur")
        if changes.sites is not None:
            tx.execute(delete(operateur_site).where(operateur_site.c.operateur_id == operateur_id))
            _set_sites(tx, operateur_id, changes.sites)
        if changes.password is not None or changes.active is False:
            tx.execute(delete(refresh_token).where(refresh_token.c.operateur_id == operateur_id))
        fields = sorted({*values, *(["sites"] if changes.sites is not None else [])})
        tx.record(_entry(actor, "modification_operateur", {"operateur": operateur_id, "champs": fields}))
        tx.tell(0, OPERATEURS)


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
    shown = [column for column in operateur.c if column.name != "mot_de_passe"]
    return select(*shown, slugs.label("sites"))


def _view(row: Any) -> OperateurView:
    return OperateurView(
        id=row.id,
        login=row.login,
        role=row.role,
        sites=sorted((row.sites or "").split()),
        actif=row.actif,
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


def _token(tx: Transaction, who: Row[Any], family: str, ttl: timedelta) -> Known:
    token = secrets.token_urlsafe(32)
    expires_at = tx.now + ttl
    tx.execute(
        insert(refresh_token).values(
            operateur_id=who.id, family=family, token_hash=_hash(token), expires_at=expires_at
        )
    )
    return Known(who.id, who.login, who.role, token, expires_at)


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _entry(actor: Actor, action: str, facts: dict[str, Any]) -> Entry:
    personal = {"ip": actor.ip} if actor.ip else None
    return Entry(action, operateur_id=actor.operateur_id, metadata=facts, personal=personal)
