"""What is said outside: alerts and reports, in French and then in English. Nothing of it is about a visitor."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from email.message import EmailMessage
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import Struct
from sqlalchemy import Row, select

from fleet.database.engine import Transaction
from fleet.database.sql import any_of
from fleet.database.tables import alert, poste, site
from fleet.domain import reasons
from fleet.domain.delivery import FIN_ALERTE

_TITLES = {"sessions": "Rapport des sessions / Sessions", "logs": "Rapport du journal / Audit trail"}


class Happened(Struct, frozen=True, kw_only=True):
    """The beginning or the end of an alert. `id` stays the same when it is told again."""

    id: str
    evenement: str
    alerte: int
    genre: str
    texte: str
    texte_en: str
    site: str | None
    poste: str | None
    details: dict[str, Any]
    debut: datetime
    fin: datetime | None


def happened(tx: Transaction, rows: Sequence[Row[Any]]) -> list[Happened]:
    """What these rows of the outbox are about; the sites' and postes' names are read now."""
    wanted = (
        select(alert, site.c.slug.label("site_slug"), poste.c.slug.label("poste_slug"), poste.c.nom)
        .outerjoin(site, site.c.id == alert.c.site_id)
        .outerjoin(poste, poste.c.id == alert.c.poste_id)
        .where(any_of(tx, alert.c.id, [row.alerte_id for row in rows]))
    )
    found = {one.id: one for one in tx.execute(wanted)}
    return [_happened(row.genre, found[row.alerte_id]) for row in rows if row.alerte_id in found]


def _happened(kind: str, row: Any) -> Happened:
    words = {**row.details, "poste": row.nom}
    is_over = kind == FIN_ALERTE
    return Happened(
        id=f"{kind}-{row.id}",
        evenement=kind,
        alerte=row.id,
        genre=row.genre,
        texte=reasons.sentence(row.genre, "fr", words),
        texte_en=reasons.sentence(row.genre, "en", words),
        site=row.site_slug,
        poste=row.poste_slug,
        details=row.details,
        debut=row.created_at,
        fin=row.resolue_a if is_over else None,
    )


def alerts_mail(told: Sequence[Happened], zone: str) -> EmailMessage:
    """All of them in one message, as a room that loses its power has many."""
    over = sum(one.fin is not None for one in told)
    counted = ((len(told) - over, "alerte(s)"), (over, "terminée(s)"))
    where = sorted({one.site for one in told if one.site})
    subject = ", ".join(f"{number} {word}" for number, word in counted if number)
    message = _message(f"Postes publics : {subject}" + (f" ({', '.join(where)})" if where else ""))
    french = _lines(told, zone, "Alerte", "Terminé", (one.texte for one in told))
    english = _lines(told, zone, "Alert", "Over", (one.texte_en for one in told))
    message.set_content(f"{french}\n\n-- English --\n{english}\n")
    return message


def _lines(told: Sequence[Happened], zone: str, begun: str, over: str, texts: Iterable[str]) -> str:
    def line(one: Happened, text: str) -> str:
        when = (one.fin or one.debut).astimezone(ZoneInfo(zone))
        where = f" [{one.site}]" if one.site else ""
        return f"{when:%d/%m/%Y %H:%M}{where} {over if one.fin else begun}: {text}"

    return "\n".join(line(one, text) for one, text in zip(told, texts, strict=True))


def report_mail(genre: str, day: date, page: str) -> EmailMessage:
    """The page of a report, as a message."""
    title = f"{_TITLES.get(genre, 'Rapport / Report')}, {day:%d/%m/%Y}"
    message = _message(title)
    message.set_content(f"{title}\n\nCe message est une page HTML. / This message is an HTML page.\n")
    message.add_alternative(page, subtype="html")
    return message


def _message(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = subject
    message["Auto-Submitted"] = "auto-generated"
    return message


def webhook_body(told: Sequence[Happened]) -> Mapping[str, Any]:
    """What a webhook is sent."""
    return {"evenements": told}
