"""The file that answers a requisition: sessions with their people, and the lines of the trail that tell of them."""

import hashlib
import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Row, Select, func, or_, select

from fleet.database.engine import Transaction
from fleet.database.sql import any_of
from fleet.database.tables import chain_head, log, operateur, poste, session, site, transfer, utilisateur
from fleet.domain import requisition as rules
from fleet.domain import written
from fleet.domain.actor import ADMINISTRATEUR, Actor
from fleet.domain.errors import Refused
from fleet.domain.requisition import Stay
from fleet.usecases import printing, requisitions
from fleet.usecases.fleet import About, Fleet

MOST = 20_000


def taken(fleet: Fleet, actor: Actor, number: int) -> bytes:
    """A ZIP with JSON and a page to read, for who asked or who approved. Raises NotFound, Refused.

    It is written between two transactions, so that nobody waits for it; the second looks again, and notes its digest.
    """
    fleet.require(actor, ADMINISTRATEUR, requisitions.ACTION)
    with fleet.attempt(actor, requisitions.ACTION) as (tx, about):
        row = _checked(tx, about, actor, number)
        some = _asked(select(session.c.id), row).limit(MOST + 1).subquery()
        if tx.execute(select(func.count()).select_from(some)).scalar_one() > MOST:
            raise Refused("export_trop_grand", limite=MOST)
    content, lines = _file(fleet, row)
    with fleet.attempt(actor, requisitions.ACTION) as (tx, about):
        row = _checked(tx, about, actor, number)
        requisitions.taken(tx, actor, row, lines, hashlib.sha256(content).hexdigest())
    return content


def _checked(tx: Transaction, about: About, actor: Actor, number: int) -> Row[Any]:
    """The request, held. Raises NotFound, and Refused unless this actor may take its file now."""
    row = requisitions.locked(tx, number)
    about.site_id = row.site_id
    pair = (row.demandee_par, row.decidee_par)
    rules.check_taking(row.statut, row.valable_jusqu_a, tx.now, pair, actor.operateur_id)
    _check_pair(tx, pair)
    return row


def _file(fleet: Fleet, row: Row[Any]) -> tuple[bytes, int]:
    """The ZIP, and how many lines it has."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with fleet.database.read() as tx:  # one state of it all
            found, anchors = list(_stays(tx, row)), _anchors(tx)
            with archive.open("journal.jsonl", "w") as lines:
                for line in _trail(tx, sorted({one["session"] for one in found})):
                    lines.write(msgspec.json.encode(line) + b"\n")
        asked = {"requisition": row.id} | {
            name: row._mapping[name] for name in ("reference", "depuis", "jusqu_a")
        }
        known = {"demande": asked, "sessions": found, "ancres": anchors}
        archive.writestr("requisition.json", msgspec.json.format(msgspec.json.encode(known)))
        archive.writestr("requisition.html", _page(row, found))
    return file.getvalue(), len(found)


def _check_pair(tx: Transaction, pair: tuple[int, int | None]) -> None:
    """An approval counts while both may still give it."""
    still = (operateur.c.id.in_(pair), operateur.c.actif, operateur.c.role == ADMINISTRATEUR)
    if tx.execute(select(func.count()).select_from(operateur).where(*still)).scalar_one() < len(pair):
        raise Refused("requisition_sans_accord")


def _asked(wanted: Select[Any], row: Row[Any]) -> Select[Any]:
    """Of the sessions that ran at some time of the period, those that were asked for."""
    last = func.coalesce(session.c.fin_session, row.jusqu_a)
    names = [name for name in ("site_id", "utilisateur_id") if row._mapping[name] is not None]
    mine = [session.c[name] == row._mapping[name] for name in names]
    if row.poste_id is not None:
        moved = select(transfer.c.session_id).where(transfer.c.de_poste_id == row.poste_id)
        mine.append(or_(session.c.poste_id == row.poste_id, session.c.id.in_(moved)))
    return wanted.where(session.c.debut_session < row.jusqu_a, last >= row.depuis, *mine)


def _stays(tx: Transaction, row: Row[Any]) -> Iterator[dict[str, Any]]:
    """A line for each poste that a session was at in the period, from when (`debut`) to when (`fin`)."""
    postes = {one.id: one for one in tx.execute(select(poste))}
    moves = select(transfer).where(transfer.c.session_id.in_(_asked(select(session.c.id), row)))
    left: dict[int, list[tuple[int, datetime]]] = {}
    for move in tx.execute(moves.order_by(transfer.c.id)):
        left.setdefault(move.session_id, []).append((move.de_poste_id, move.created_at))
    for one in tx.execute(_asked(_SESSIONS, row)).mappings():
        last = Stay(one["poste_id"], one["debut_session"], one["fin_session"])
        for stay in rules.stays(last, left.get(one["session"], ())):
            is_mine = row.poste_id in (None, stay.poste_id)
            if is_mine and stay.is_within(row.depuis, row.jusqu_a):
                yield {
                    **one,
                    "debut": stay.since,
                    "fin": stay.until,
                    **_named(postes.get(stay.poste_id or 0)),
                }


_SESSIONS: Select[Any] = (
    select(
        session.c.id.label("session"), site.c.nom.label("lieu"), site.c.zone, session.c.poste_id,
        session.c.debut_session, session.c.fin_session, session.c.motif_fin,
        utilisateur.c.id.label("utilisateur"), utilisateur.c.nom, utilisateur.c.prenom,
        utilisateur.c.date_naissance, utilisateur.c.email, utilisateur.c.telephone,
    )
    .join_from(session, site, session.c.site_id == site.c.id)
    .outerjoin(utilisateur, session.c.utilisateur_id == utilisateur.c.id)
    .order_by(session.c.debut_session, session.c.id)
)  # fmt: skip


def _named(found: Row[Any] | None) -> dict[str, Any]:
    """A poste as the file names it."""
    if found is None:
        return {"poste_id": None, "poste": None, "poste_nom": None, "ip_address": None}
    names = {"poste": found.slug, "poste_nom": found.nom, "ip_address": found.ip_address}
    return {"poste_id": found.id, **names}


def _trail(tx: Transaction, sessions: Sequence[int]) -> Iterator[dict[str, Any]]:
    """Read bit by bit: it is many times as long as the sessions."""
    wanted = (
        select(
            log.c.site_id, log.c.numero, log.c.created_at, log.c.action, log.c.session_id, log.c.poste_id,
            log.c.utilisateur_id, log.c.hash,
        )
        .where(any_of(tx, log.c.session_id, sessions))
        .order_by(log.c.site_id, log.c.numero)
        .execution_options(yield_per=1000)
    )  # fmt: skip
    for one in tx.execute(wanted).mappings():
        yield dict(one) | {"hash": bytes(one["hash"]).hex()}


def _anchors(tx: Transaction) -> list[dict[str, Any]]:
    """Where each chain of the trail is now: what leads to it can be checked by `ppm audit verify`."""
    heads = tx.execute(select(chain_head).order_by(chain_head.c.chain)).mappings()
    return [
        {"chaine": one["chain"], "numero": one["numero"], "hash": bytes(one["hash"]).hex()} for one in heads
    ]


_COLUMNS = {
    "lieu": "Lieu",
    "poste_nom": "Poste",
    "ip_address": "Adresse IP",
    "debut": "Début",
    "fin": "Fin",
    "nom": "Nom",
    "prenom": "Prénom",
    "date_naissance": "Né(e) le",
    "email": "E-mail",
    "telephone": "Téléphone",
}


def _page(row: Row[Any], found: Sequence[Mapping[str, Any]]) -> str:
    count = len({one["session"] for one in found})
    said = (
        f"Période (UTC)\u202f: du {row.depuis:%d/%m/%Y %H:%M} au {row.jusqu_a:%d/%m/%Y %H:%M}. Sessions\u202f: "
        f"{count}. Les heures du tableau sont celles du lieu. Une session passée d’un poste à un autre a une ligne "
        "pour chaque poste. Une ligne sans nom est celle d’une personne anonyme ou oubliée. Le fichier "
        "requisition.json porte les mêmes lignes en UTC, journal.jsonl les lignes du journal qui en parlent, avec "
        "leurs empreintes."
    )
    rows = ([_said(one[name], one["zone"]) for name in _COLUMNS] for one in found)
    table = printing.table("", tuple(_COLUMNS.values()), rows)
    return printing.page(f"Réquisition {row.reference}", [printing.paragraph(said), table])


def _said(value: Any, zone: str) -> str:
    if value is None:
        return written.NOTHING
    if isinstance(value, datetime):
        return f"{value.astimezone(ZoneInfo(zone)):%d/%m/%Y %H:%M:%S}"
    return written.day(value) if isinstance(value, date) else str(value)
