"""How operators log in and stay in: a password, a second factor where there is one, and refresh tokens.

A login begins a family of refresh tokens, each used once; one that comes twice ends its family. Whoever changes
what a family stands on (password, activity, a revocation) locks the operator's row, and so does every rotation:
no token is born while its family dies.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.tables import operateur, refresh_token, ws_ticket
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases import login_tries, passwords, second_factor
from fleet.usecases.fleet import Fleet
from fleet.usecases.operateurs import OPERATEURS, new_generation
from fleet.usecases.passwords import digest

REFRESH_TTL = timedelta(hours=12)
_GUESSES = ("identifiants_refuses", "totp_refuse")


@dataclass(frozen=True)
class Known:
    """An operator who has just proved to be one: who, and the token to stay logged in."""

    operateur_id: int
    generation: int
    login: str
    role: str
    refresh_token: str
    refresh_expires_at: datetime


@dataclass(frozen=True)
class Credentials:
    """What somebody shows to log in; `source` is the address that they call from."""

    login: str
    password: str
    source: str = ""
    totp: str | None = None


def authenticate(fleet: Fleet, shown: Credentials, ttl: timedelta = REFRESH_TTL) -> Known:
    """Log an operator in and begin a family of refresh tokens. Raises Refused.

    Takes the same time for an unknown login. Wrong tries slow down this login from this source only.
    """
    login = shown.login.strip().lower()
    key = login_tries.key(login, shown.source)
    with fleet.database.read() as tx:
        row = tx.execute(select(operateur).where(operateur.c.login == login)).first()
        login_tries.check(tx, key)
    known = passwords.matches(None if row is None else row.mot_de_passe, shown.password)
    actor = Actor(operateur_id=None if row is None else row.id, ip=shown.source)
    try:
        with fleet.attempt(actor, "connexion_operateur") as (tx, _about):
            if row is None or not known:
                raise Refused("identifiants_refuses")
            who = _enter(tx, row)
            second_factor.check(fleet, tx, who, shown.totp)
            login_tries.forget(tx, key)
            tx.record(_entry(actor, "connexion_operateur", {}))
            return _token(tx, who, secrets.token_hex(16), ttl)
    except Refused as refusal:
        _count(fleet, key, row, refusal)
        raise


def _enter(tx: Transaction, row: Row[Any]) -> Row[Any]:
    """Note the login, if what was proved still holds: the password was looked at before the row was locked."""
    still = (
        operateur.c.id == row.id,
        operateur.c.mot_de_passe == row.mot_de_passe,
        operateur.c.actif.is_(True),
    )
    noted = update(operateur).where(*still).values(derniere_connexion=tx.now).returning(operateur)
    who = tx.execute(noted).first()
    if who is None:
        raise Refused("identifiants_refuses")
    old = (refresh_token.c.operateur_id == row.id, refresh_token.c.expires_at < tx.now)
    tx.execute(delete(refresh_token).where(*old))
    return who


def _count(fleet: Fleet, key: bytes, row: Row[Any] | None, refusal: Refused) -> None:
    if refusal.reason not in _GUESSES:
        return
    with fleet.database.transaction() as tx:
        login_tries.failed(tx, key)
    if refusal.reason == "totp_refuse" and row is not None:
        second_factor.count(fleet, row.id)


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
    mine = refresh_token.c.token_hash == digest(token)
    owner = select(refresh_token.c.operateur_id).where(mine).scalar_subquery()
    wanted = select(operateur).where(operateur.c.id == owner, operateur.c.actif.is_(True))
    who = tx.execute(wanted.with_for_update(key_share=True)).first()
    row = None if who is None else tx.execute(select(refresh_token).where(mine).with_for_update()).first()
    if who is None or row is None or row.expires_at <= tx.now:
        return None
    if row.used_at is not None:
        _kill(tx, row)
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
        held = select(refresh_token).where(refresh_token.c.token_hash == digest(token))
        row = tx.execute(held).first()
        if row is None:
            return
        tx.execute(delete(refresh_token).where(refresh_token.c.family == row.family))
        tx.record(Entry("deconnexion_operateur", operateur_id=row.operateur_id))


def revoke_all(fleet: Fleet, actor: Actor, operateur_id: int) -> None:
    """End every login of an operator, with all tokens: one's own, or anybody's for an administrateur."""
    if operateur_id != actor.operateur_id:
        fleet.require(actor, ADMINISTRATEUR, "revocation_jetons")
    with fleet.attempt(actor, "revocation_jetons") as (tx, _about):
        end_all(tx, operateur_id)
        tx.record(_entry(actor, "revocation_jetons", {"operateur": operateur_id}))


def end_all(tx: Transaction, operateur_id: int) -> None:
    """The tokens of an operator are over: the refresh tokens are gone, the access tokens of an old generation.

    Raises NotFound.
    """
    later = {"generation": operateur.c.generation + 1}
    done = tx.execute(update(operateur).where(operateur.c.id == operateur_id).values(**later))
    if done.rowcount != 1:
        raise NotFound("operateur")
    tx.execute(delete(refresh_token).where(refresh_token.c.operateur_id == operateur_id))
    tx.tell(0, OPERATEURS)


def end_everyone(tx: Transaction) -> int:
    """The tokens of all operators are over, those too that this database knows nothing of, as it was restored. Gives
    how many operators there are."""
    done = tx.execute(update(operateur).values(generation=new_generation()))
    for gone in (refresh_token, ws_ticket):
        tx.execute(delete(gone))
    tx.tell(0, OPERATEURS)
    return done.rowcount


def _token(tx: Transaction, who: Row[Any], family: str, ttl: timedelta) -> Known:
    token = secrets.token_urlsafe(32)
    expires_at = tx.now + ttl
    tx.execute(
        insert(refresh_token).values(
            operateur_id=who.id, family=family, token_hash=digest(token), expires_at=expires_at
        )
    )
    return Known(who.id, who.generation, who.login, who.role, token, expires_at)


def _entry(actor: Actor, action: str, facts: dict[str, Any]) -> Entry:
    personal = {"ip": actor.ip} if actor.ip else None
    return Entry(action, operateur_id=actor.operateur_id, metadata=facts, personal=personal)
