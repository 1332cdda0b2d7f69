"""Those who are told, each by the way it is reached; and one message to one of them."""

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Row

from fleet.database import alerts, deliveries
from fleet.database.engine import Database, Transaction
from fleet.domain.actor import SYSTEM
from fleet.domain.delivery import ALERTE, FIN_ALERTE, RAPPORT, TROUBLE
from fleet.outgoing import mail, webhook, words
from fleet.outgoing.settings import MailServer, NotDelivered, Outgoing
from fleet.outgoing.words import Happened
from fleet.usecases import report_page, reports

log = logging.getLogger(__name__)
_ALERTS = (ALERTE, FIN_ALERTE)


@dataclass(frozen=True)
class Letter:
    """What goes in one message: alerts, or the page of a report."""

    id: str
    told: Sequence[Happened] = ()
    report: tuple[str, date, str] | None = None


@dataclass(frozen=True)
class Target:
    """One who is told. `name` is a digest, `shown` what may be said of it; `deliver` raises NotDelivered."""

    name: str
    shown: str
    kinds: tuple[str, ...]
    deliver: Callable[[Letter], None]


def targets(settings: Outgoing, zone: str) -> dict[str, Target]:
    """All of them, by name."""
    made: list[Target] = []
    if settings.mail is not None:
        for address in dict.fromkeys((*settings.alert_mails, *settings.report_mails)):
            kinds = (
                *(_ALERTS if address in settings.alert_mails else ()),
                *((RAPPORT,) if address in settings.report_mails else ()),
            )
            deliver = partial(_mail, settings.mail, address, zone)
            made.append(Target(_name("mail", address), settings.mail.host, kinds, deliver))
    for url in dict.fromkeys(settings.webhooks):
        deliver = partial(_post, settings, url)
        made.append(Target(_name("hook", url), urlsplit(url).hostname or "", _ALERTS, deliver))
    return {one.name: one for one in made}


def _name(way: str, address: str) -> str:
    return f"{way}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"


def _mail(server: MailServer, address: str, zone: str, letter: Letter) -> None:
    report = letter.report
    message = words.report_mail(*report) if report else words.alerts_mail(letter.told, zone)
    message["Message-ID"] = f"<{letter.id}@{server.sender.rpartition('@')[2]}>"
    mail.send(server, address, message)


def _post(settings: Outgoing, url: str, letter: Letter) -> None:
    webhook.post(url, settings.webhook_secret, words.webhook_body(letter.told), settings.ca_file)


def tell(database: Database, target: Target, holder: str) -> bool:
    """Send one message of what waits for a target, and keep how that went. True when there may be more to send."""
    with database.transaction() as tx:
        rows = deliveries.take(tx, target.name, holder)
    if not rows:
        return False
    try:
        with database.read() as tx:
            letter = _letter(tx, rows)
        if letter.told or letter.report:
            target.deliver(letter)
    except NotDelivered as error:
        _keep_failure(database, target, rows, holder, str(error))
        return False
    with database.transaction() as tx:
        deliveries.sent(tx, rows, holder)
        alerts.end(tx, alerts.OUTGOING, target.name)
    log.info("delivered", extra={"to": target.shown, "rows": len(rows)})
    return True


def _letter(tx: Transaction, rows: Sequence[Row[Any]]) -> Letter:
    first, last = rows[0], rows[-1]
    name = f"envoi-{first.id}-{last.id}"
    if first.genre != RAPPORT:
        return Letter(name, told=words.happened(tx, rows))
    seen = reports.seen(tx, SYSTEM, first.rapport_genre, first.rapport_jour)
    return Letter(name, report=(seen.genre, seen.jour, report_page.page(tx, seen)))


def _keep_failure(
    database: Database, target: Target, rows: Sequence[Row[Any]], holder: str, why: str
) -> None:
    tries = max(row.essais for row in rows) + 1
    with database.transaction() as tx:
        given_up = deliveries.failed(tx, rows, holder)
        if tries >= TROUBLE:
            facts = {"cible": target.shown, "erreur": why}
            alerts.begin(tx, alerts.OUTGOING, target.name, details=facts)
    told = {"to": target.shown, "error": why, "tries": tries, "given_up": given_up}
    log.warning("not_delivered", extra=told)
