"""A second factor (TOTP, RFC 6238): enrolled, confirmed by a first code, asked for from then on, each code once."""

import hmac
import os
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from msgspec import Struct
from sqlalchemy import Row, select, update

from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.tables import operateur
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.usecases import login_tries
from fleet.usecases.fleet import Fleet

ISSUER = "Poste Public Manager"
STEP_S, DIGITS = 30, 6
_KEY_BYTES = 20
_DRIFT = (0, -1, 1)
"""Clocks of telephones differ: the code before and the one after are taken too."""


class Enrolment(Struct, frozen=True):
    """What an authenticator needs, told once: the address behind its QR code, which holds the key."""

    uri: str


def enrol(fleet: Fleet, actor: Actor) -> Enrolment:
    """A new key for oneself; it counts only once a code of it was shown. Raises Refused while one is active."""
    with fleet.attempt(actor, "totp_active") as (tx, _about):
        row = _locked(tx, actor.operateur_id)
        if row.totp_depuis is not None:
            raise Refused("totp_deja_actif")
        key = os.urandom(_KEY_BYTES)
        values = {"totp_scelle": fleet.keys.seal_totp(key, row.id), "totp_pas": None}
        tx.execute(update(operateur).where(operateur.c.id == row.id).values(**values))
        return Enrolment(_totp(key).get_provisioning_uri(row.login, ISSUER))


def confirm(fleet: Fleet, actor: Actor, code: str) -> None:
    """The authenticator works: from now on it is asked for. Raises Refused, Invalid."""
    _switch(fleet, actor, code, on=True)


def disable(fleet: Fleet, actor: Actor, code: str) -> None:
    """No second factor for oneself any more, by who can still show a code. Raises Refused, Invalid."""
    _switch(fleet, actor, code, on=False)


def _switch(fleet: Fleet, actor: Actor, code: str, *, on: bool) -> None:
    action = "totp_active" if on else "totp_desactive"
    try:
        with fleet.attempt(actor, action) as (tx, _about):
            row = _locked(tx, actor.operateur_id)
            if on is (row.totp_depuis is not None):
                raise Refused("totp_deja_actif" if on else "totp_inactif")
            _use(fleet, tx, row, code)
            _set(tx, actor, row.id, on=on)
    except Refused as refusal:
        if refusal.reason != "totp_refuse" or actor.operateur_id is None:
            raise
        count(fleet, actor.operateur_id)
        raise Invalid("code", "totp_refuse") from None


def remove(fleet: Fleet, actor: Actor, operateur_id: int) -> None:
    """Take the second factor from an operator who has lost it. Raises NotFound."""
    fleet.require(actor, ADMINISTRATEUR, "totp_desactive")
    with fleet.attempt(actor, "totp_desactive") as (tx, _about):
        _set(tx, actor, _locked(tx, operateur_id).id, on=False)


def check(fleet: Fleet, tx: Transaction, row: Row[Any], code: str | None) -> None:
    """Raise Refused unless this operator, whose row is locked, needs no code or shows a good one."""
    if row.totp_depuis is None:
        return
    if code is None:
        raise Refused("totp_demande")
    _use(fleet, tx, row, code)


def count(fleet: Fleet, operateur_id: int) -> None:
    """One more wrong code. Only who has the password gets to guess, so the addresses do not matter."""
    with fleet.database.transaction() as tx:
        login_tries.failed(tx, _tries_key(operateur_id))


def _tries_key(operateur_id: int) -> bytes:
    return login_tries.key(f"totp#{operateur_id}", "")


def _use(fleet: Fleet, tx: Transaction, row: Row[Any], code: str) -> None:
    """Take a code, which is over then, and all before it."""
    login_tries.check(tx, _tries_key(row.id))
    key = None if row.totp_scelle is None else fleet.keys.unseal_totp(bytes(row.totp_scelle), row.id)
    step = None if key is None else _step(key, code, tx.now)
    if step is None or (row.totp_pas is not None and step <= row.totp_pas):
        raise Refused("totp_refuse")
    tx.execute(update(operateur).where(operateur.c.id == row.id).values(totp_pas=step))
    login_tries.forget(tx, _tries_key(row.id))


def _step(key: bytes, code: str, now: datetime) -> int | None:
    """Which step of the clock this code is of."""
    typed, step, totp = code.replace(" ", "").encode(), int(now.timestamp()) // STEP_S, _totp(key)
    steps: Sequence[int] = [step + drift for drift in _DRIFT]
    return next((one for one in steps if hmac.compare_digest(totp.generate(one * STEP_S), typed)), None)


def _totp(key: bytes) -> TOTP:
    return TOTP(key, DIGITS, SHA1(), STEP_S)  # noqa: S303  what authenticators speak; HMAC-SHA1 is sound


def _locked(tx: Transaction, operateur_id: int | None) -> Row[Any]:
    row = tx.execute(
        select(operateur).where(operateur.c.id == operateur_id).with_for_update(key_share=True)
    ).first()
    if row is None:
        raise NotFound("operateur")
    return row


def _set(tx: Transaction, actor: Actor, operateur_id: int, *, on: bool) -> None:
    values: dict[str, Any] = {"totp_depuis": tx.now} if on else {"totp_depuis": None, "totp_scelle": None}
    stamps = {"updated_at": tx.now, "version": operateur.c.version + 1}
    tx.execute(update(operateur).where(operateur.c.id == operateur_id).values(**values, **stamps))
    tx.record(
        Entry(
            "totp_active" if on else "totp_desactive",
            operateur_id=actor.operateur_id,
            metadata={"operateur": operateur_id},
            personal={"ip": actor.ip} if actor.ip else None,
        )
    )
