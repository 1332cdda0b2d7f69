"""What the desk does with postes: create, edit, delete, and say what is wanted of them."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, exists, insert, select, update
from sqlalchemy.exc import IntegrityError

from fleet.database import outbox
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.news import POSTES
from fleet.database.tables import desired, poste, presence, session, slug_retired
from fleet.database.tables import site as site_table
from fleet.domain import poste as rules
from fleet.domain.actor import ADMINISTRATEUR, OPERATEUR, Actor
from fleet.domain.errors import Invalid, NotFound, Refused
from fleet.domain.utilisateur import name
from fleet.usecases import care
from fleet.usecases.fleet import Fleet

RESERVED = frozenset(
    {"actifs", "all", "bulk", "controller", "disponibles", "observer", "plan", "site", "stats", "watch"}
)
"""Words that are no slug: paths of the API and names of the broker's own accounts."""
_SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_REASONS = {
    rules.EN_SERVICE: "remise_en_service",
    rules.MAINTENANCE: "maintenance",
    rules.HORS_LIGNE: "poste_hors_service",
}
_TAKEN = {
    "slug": "slug",
    "mac_address": "mac_address",
    "ip_address": "ip_address",
    "site_id_nom": "nom",
    "poste.nom": "nom",
}


@dataclass(frozen=True)
class NewPoste:
    """What a poste is created with."""

    site_id: int
    slug: str
    nom: str
    emplacement: str = ""
    ip_address: str | None = None
    mac_address: str | None = None
    notes: str = ""
    plan_x: float | None = None
    plan_y: float | None = None


def create(fleet: Fleet, actor: Actor, new: NewPoste) -> int:
    """A poste, wanted in service. Gives its id. Raises Invalid for a slug that is or was taken."""
    fleet.require(actor, ADMINISTRATEUR, "creation_poste", site=new.site_id)
    fleet.require_site(actor, new.site_id, "creation_poste")
    _check_slug(new.slug)
    values = {"site_id": new.site_id, "slug": new.slug, **_cleaned(vars(new))}
    values["nom_tri"] = rules.sort_key(values["nom"])
    with fleet.attempt(actor, "creation_poste") as (tx, about):
        about.site_id = new.site_id
        if tx.execute(select(site_table.c.id).where(site_table.c.id == new.site_id)).first() is None:
            raise NotFound("site")
        if tx.execute(select(slug_retired).where(slug_retired.c.slug == new.slug)).first() is not None:
            raise Invalid("slug", "deja_pris", valeur=new.slug)
        made = int(_stored(tx, insert(poste).values(**values, **_stamps(tx)).returning(poste.c.id), values))
        tx.execute(insert(desired).values(poste_id=made, site_id=new.site_id))
        tx.execute(insert(presence).values(poste_id=made))
        _tell(tx, actor, "creation_poste", new.site_id, made, {"slug": new.slug})
        return made


def edit(fleet: Fleet, actor: Actor, poste_id: int, changes: Mapping[str, Any]) -> None:
    """Change what is known of a poste; its slug and its site never change. Raises Invalid."""
    fleet.require(actor, ADMINISTRATEUR, "modification_poste", poste=poste_id)
    values = _cleaned(changes)
    with fleet.attempt(actor, "modification_poste") as (tx, about):
        row = _locked(tx, actor, poste_id)
        about.site_id, about.poste_id = row.site_id, poste_id
        changed = {key: value for key, value in values.items() if getattr(row, key) != value}
        if not changed:
            return
        also = {"updated_at": tx.now, "version": poste.c.version + 1}
        if "nom" in changed:
            also["nom_tri"] = rules.sort_key(changed["nom"])
        _stored(tx, update(poste).where(poste.c.id == poste_id).values(**changed, **also), changed)
        _tell(tx, actor, "modification_poste", row.site_id, poste_id, {"champs": sorted(changed)})


def remove(fleet: Fleet, actor: Actor, poste_id: int) -> None:
    """Delete a poste that never had a session; its slug is not given again. Raises Refused."""
    fleet.require(actor, ADMINISTRATEUR, "suppression_poste", poste=poste_id)
    with fleet.attempt(actor, "suppression_poste") as (tx, about):
        row = _locked(tx, actor, poste_id)
        about.site_id, about.poste_id = row.site_id, poste_id
        if tx.execute(select(exists().where(session.c.poste_id == poste_id))).scalar_one():
            raise Refused("poste_utilise")
        tx.execute(insert(slug_retired).values(slug=row.slug))
        try:
            tx.execute(delete(poste).where(poste.c.id == poste_id))
        except IntegrityError:
            raise Refused("poste_utilise") from None
        _tell(tx, actor, "suppression_poste", row.site_id, poste_id, {"slug": row.slug})


def set_statut(fleet: Fleet, actor: Actor, poste_id: int, statut: str) -> None:
    """Say what is wanted of a poste. Raises Refused for a statut that is observed, not chosen."""
    fleet.require(actor, OPERATEUR, "changement_statut_poste", poste=poste_id)
    if statut not in rules.STATUTS:
        raise Invalid("statut", "valeur_invalide", regle=" | ".join(rules.SETTABLE))
    with fleet.attempt(actor, "changement_statut_poste") as (tx, about):
        row = _locked(tx, actor, poste_id)
        about.site_id, about.poste_id = row.site_id, poste_id
        if statut not in rules.SETTABLE:
            raise Refused("statut_derive", statut=statut)
        _want(tx, actor, row, rules.SETTABLE[statut])


def _want(tx: Transaction, actor: Actor, row: Row[Any], wanted: str) -> None:
    cared = wanted == rules.EN_SERVICE and care.end(tx, row.id)
    if row.statut_voulu == wanted and not cared:
        return
    stamps = {"updated_at": tx.now, "version": poste.c.version + 1}
    tx.execute(update(poste).where(poste.c.id == row.id).values(statut_voulu=wanted, **stamps))
    facts = {"avant": row.statut_voulu, "apres": wanted}
    tx.record(_entry(actor, "changement_statut_poste", row.site_id, row.id, facts))
    outbox.bump(tx, row.site_id, row.id, _REASONS[wanted])


def _locked(tx: Transaction, actor: Actor, poste_id: int) -> Row[Any]:
    row = tx.execute(select(poste).where(poste.c.id == poste_id).with_for_update(key_share=True)).first()
    if row is None:
        raise NotFound("poste")
    actor.require_site(row.site_id, "poste", poste_id)
    return row


def _check_slug(slug: str) -> None:
    if not _SLUG.fullmatch(slug) or slug in RESERVED or slug.isdigit():
        raise Invalid(
            "slug", "valeur_invalide", regle="a-z, 0-9 et -, une lettre au moins, pas un mot réservé"
        )


def _cleaned(given: Mapping[str, Any]) -> dict[str, Any]:
    """The columns that these fields mean. Raises Invalid."""
    cleaners: dict[str, Callable[[Any], Any]] = {
        "nom": lambda value: name("nom", value),
        "emplacement": lambda value: _text("emplacement", value, 200),
        "notes": lambda value: _text("notes", value, 10_000),
        "ip_address": ip_address,
        "mac_address": mac_address,
        "plan_x": lambda value: value,
        "plan_y": lambda value: value,
    }
    return {field: clean(given[field]) for field, clean in cleaners.items() if field in given}


def _text(field: str, typed: str, most: int) -> str:
    if len(typed) > most or "\x00" in typed:
        raise Invalid(field, "valeur_invalide", regle=f"au plus {most} caractères")
    return typed.strip()


def ip_address(typed: str | None) -> str | None:
    """An IPv4 address in its usual form. Raises Invalid."""
    if typed is None or not typed.strip():
        return None
    try:
        return str(ipaddress.IPv4Address(typed.strip()))
    except ValueError:
        raise Invalid("ip_address", "valeur_invalide", regle="une adresse IPv4, comme 192.168.1.20") from None


def mac_address(typed: str | None) -> str | None:
    """A MAC address as aa:bb:cc:dd:ee:ff, however it was typed. Raises Invalid."""
    if typed is None or not typed.strip():
        return None
    digits = re.sub(r"[\s:.\-]", "", typed).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        raise Invalid("mac_address", "valeur_invalide", regle="six octets, comme aa:bb:cc:dd:ee:ff")
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _stored(tx: Transaction, statement: Any, values: Mapping[str, Any]) -> Any:
    try:
        done = tx.execute(statement)
    except IntegrityError as error:
        raise _taken(error, values) from None
    return done.scalar_one() if done.returns_rows else None


def _taken(error: IntegrityError, values: Mapping[str, Any]) -> Exception:
    said = str(error.orig)
    for words, field in _TAKEN.items():
        if words in said.split("DETAIL")[0]:
            return Invalid(field, "deja_pris", valeur=str(values.get(field)))
    return error


def _stamps(tx: Transaction) -> dict[str, Any]:
    return {"created_at": tx.now, "updated_at": tx.now}


def _entry(actor: Actor, action: str, site_id: int, poste_id: int, facts: Mapping[str, Any]) -> Entry:
    return Entry(
        action,
        site_id,
        operateur_id=actor.operateur_id,
        poste_id=poste_id,
        metadata=facts,
        personal={"ip": actor.ip} if actor.ip else None,
    )


def _tell(
    tx: Transaction, actor: Actor, action: str, site_id: int, poste_id: int, facts: Mapping[str, Any]
) -> None:
    tx.record(_entry(actor, action, site_id, poste_id, facts))
    tx.tell(site_id, POSTES)
