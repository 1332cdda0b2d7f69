"""By what each poste is known at the broker: a hash of its password, as the broker's file keeps it.

The broker's files of accounts and access rules are made from here, so that whoever changes it tells so (IDENTITIES).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, convert
from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.dialects.postgresql import insert as pg_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert

from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.news import IDENTITIES
from fleet.database.tables import identity, poste, poste_credential, site
from fleet.domain.actor import OPERATEUR, SYSTEM, Actor
from fleet.domain.errors import NotFound, Refused
from fleet.usecases.fleet import About, Fleet
from mosquitto.acl import PosteAccount
from mosquitto.passwords import hash_password, matches
from protocol.enrolment import Machine

ACTION = "enrolement_poste"


class IdentityView(Struct, frozen=True, kw_only=True):
    """By which machine a poste is known, since when; `revoquee_a`: by none any more."""

    poste: str
    machine: Machine | None
    created_at: datetime
    renouvelee_a: datetime | None
    revoquee_a: datetime | None


def renew(fleet: Fleet, slug: str, password: str, new: str, ip: str | None) -> None:
    """A poste that proves its password is known by the new one from now on. Again: harmless. Raises Refused."""
    actor = Actor(ip=ip)
    with fleet.database.transaction() as tx:
        wanted = select(identity.c.mot_de_passe, poste.c.id, poste.c.site_id).join(poste)
        row = tx.execute(wanted.where(poste.c.slug == slug).with_for_update(of=identity)).first()
        kept = row.mot_de_passe if row is not None else None
        if row is not None and kept is not None:
            if matches(kept, new):
                return
            if matches(kept, password):
                changed = update(identity).where(identity.c.poste_id == row.id)
                tx.execute(changed.values(mot_de_passe=hash_password(new), renouvelee_a=tx.now))
                record(tx, actor, row.site_id, row.id, "renouvellement")
                tx.tell(row.site_id, IDENTITIES)
                return
    about = About() if row is None else About(row.site_id, poste_id=row.id)
    refusal = Refused("identite_refusee")
    fleet.keep_refusal(actor, ACTION, about, refusal)
    raise refusal


def revoke(fleet: Fleet, actor: Actor, poste_id: int) -> None:
    """The poste's machine is shut out, at the broker and over HTTP. Raises NotFound where it is known by none."""
    fleet.require(actor, OPERATEUR, ACTION, poste=poste_id)
    with fleet.attempt(actor, ACTION) as (tx, about):
        row = poste_of(tx, actor, poste_id, about)
        known = (identity.c.poste_id == poste_id, identity.c.revoquee_a.is_(None))
        over = update(identity).where(*known).values(mot_de_passe=None, revoquee_a=tx.now)
        if tx.execute(over).rowcount != 1:
            raise NotFound("identite")
        tx.execute(delete(poste_credential).where(poste_credential.c.poste_id == poste_id))
        record(tx, actor, row.site_id, poste_id, "revocation")
        tx.tell(row.site_id, IDENTITIES)


def known_by(fleet: Fleet, actor: Actor, poste_id: int) -> IdentityView:
    """By what a poste is known at the broker. Raises NotFound where it never was."""
    with fleet.guarded(actor), fleet.database.read() as tx:
        slug = seen(tx, actor, poste_id).slug
        row = tx.execute(select(identity).where(identity.c.poste_id == poste_id)).first()
    if row is None:
        raise NotFound("identite")
    return IdentityView(
        poste=slug,
        machine=convert(row.machine, Machine) if row.machine else None,
        created_at=row.created_at,
        renouvelee_a=row.renouvelee_a,
        revoquee_a=row.revoquee_a,
    )


def accounts(fleet: Fleet) -> list[PosteAccount]:
    """Who the broker lets in as a poste, by slug."""
    wanted = select(site.c.slug.label("site"), poste.c.slug, identity.c.mot_de_passe)
    known = wanted.select_from(identity).join(poste).join(site).where(identity.c.mot_de_passe.is_not(None))
    with fleet.database.read() as tx:
        rows = tx.execute(known.order_by(poste.c.slug)).all()
    return [PosteAccount(row.site, row.slug, row.mot_de_passe) for row in rows]


def keep(fleet: Fleet, actor: Actor, hashed: Mapping[str, str]) -> None:
    """These postes, by slug, are known by these hashes from now on, in place of what they were known by."""
    with fleet.database.transaction() as tx:
        for row in _named(tx, hashed):
            put(tx, row.id, hashed[row.slug])
            record(tx, actor, row.site_id, row.id, "mot_de_passe")
            tx.tell(row.site_id, IDENTITIES)


def adopt(fleet: Fleet, hashed: Mapping[str, str]) -> None:
    """What a broker's file knew of postes that the database knows nothing of: who had an account keeps it."""
    with fleet.database.transaction() as tx:
        for row in _named(tx, hashed):
            if _put_first(tx, row.id, hashed[row.slug]):
                record(tx, SYSTEM, row.site_id, row.id, "reprise")
                tx.tell(row.site_id, IDENTITIES)


def revoked(fleet: Fleet) -> set[str]:
    """The slugs of postes whose machine was revoked and that no other has become."""
    with fleet.database.read() as tx:
        wanted = select(poste.c.slug).join(identity).where(identity.c.mot_de_passe.is_(None))
        return set(tx.execute(wanted).scalars())


def put(tx: Transaction, poste_id: int, hashed: str, **more: object) -> None:
    """Keep by what a poste is known from now on."""
    values = {**_values(tx, hashed), **more}
    tx.execute(_insert(tx, poste_id, values).on_conflict_do_update(index_elements=["poste_id"], set_=values))


def _put_first(tx: Transaction, poste_id: int, hashed: str) -> bool:
    """The same, unless it was ever known by anything: whoever enrols meanwhile is not written over."""
    made = _insert(tx, poste_id, _values(tx, hashed)).on_conflict_do_nothing(index_elements=["poste_id"])
    return tx.execute(made).rowcount == 1


def _values(tx: Transaction, hashed: str) -> dict[str, object]:
    known = {"mot_de_passe": hashed, "created_at": tx.now, "renouvelee_a": None, "revoquee_a": None}
    return {**known, "enrolement_id": None, "machine": None}


def _insert(tx: Transaction, poste_id: int, values: Mapping[str, object]) -> Any:
    return (pg_insert if tx.is_postgresql else sqlite_insert)(identity).values(poste_id=poste_id, **values)


def poste_of(tx: Transaction, actor: Actor, poste_id: int, about: About) -> Row[Any]:
    """A poste of the actor's, locked against who opens or revokes beside us. Raises NotFound."""
    row = seen(tx, actor, poste_id, lock=True)
    about.poste_id, about.site_id = poste_id, row.site_id
    return row


def seen(tx: Transaction, actor: Actor, poste_id: int, *, lock: bool = False) -> Row[Any]:
    """The slug and the site of a poste of the actor's. Raises NotFound."""
    wanted: Select[Any] = select(poste.c.site_id, poste.c.slug).where(poste.c.id == poste_id)
    row = tx.execute(wanted.with_for_update(key_share=True) if lock else wanted).first()
    if row is None:
        raise NotFound("poste")
    actor.require_site(row.site_id, "poste", poste_id)
    return row


def record(tx: Transaction, actor: Actor, site_id: int, poste_id: int, what: str, **facts: object) -> None:
    """Write into the trail what was done about the machine of a poste."""
    who = {"ip": actor.ip} if actor.ip else None
    told = {"geste": what, **{name: value for name, value in facts.items() if value}}
    entry = Entry(
        ACTION, site_id, operateur_id=actor.operateur_id, poste_id=poste_id, metadata=told, personal=who
    )
    tx.record(entry)


def _named(tx: Transaction, slugs: Mapping[str, str]) -> list[Row[Any]]:
    wanted: Select[Any] = select(poste.c.id, poste.c.slug, poste.c.site_id).order_by(poste.c.id)
    rows = tx.execute(wanted)
    return [row for row in rows if row.slug in slugs]
