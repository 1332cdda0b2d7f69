"""Wrong codes at many postes of a site at once: somebody guesses. A human is told, once a window."""

import logging
from datetime import timedelta

from sqlalchemy import func, select

from fleet.database import alerts
from fleet.database.audit import Entry
from fleet.database.engine import Transaction
from fleet.database.tables import alert, log
from fleet.domain.policy import Policy

program_log = logging.getLogger(__name__)
ALARM = "alerte_codes"
GUESSES = ("code_inconnu", "code_deja_utilise", "code_perime", "code_autre_poste", "code_autre_site")
"""Refusals that count as wrong tries."""


def watch(tx: Transaction, site_id: int, policy: Policy) -> None:
    """One more wrong code of this transaction: raise the alarm at the number that the site allows in its window.

    It is raised once in each window: an entry of the trail, an alert, and a line in the log of the program.
    """
    if policy.wrong_codes_alarm is None:
        return
    window = timedelta(seconds=policy.wrong_codes_window_s)
    wrong = 1 + _written(tx, site_id, window)
    if wrong < policy.wrong_codes_alarm:
        return
    _forget(tx, site_id, window)
    facts = {"essais": wrong, "minutes": policy.wrong_codes_window_s // 60}
    if alerts.begin(tx, ALARM, str(site_id), site_id=site_id, details=facts):
        tx.record(Entry(ALARM, site_id, metadata=facts))
        program_log.warning("codes_guessed", extra={"site_id": site_id, "wrong": wrong})


def _written(tx: Transaction, site_id: int, window: timedelta) -> int:
    wrong = (
        log.c.action == "echec_code",
        log.c.created_at > tx.now - window,
        log.c.site_id == site_id,
        log.c.metadata["motif"].as_string().in_(GUESSES),
    )
    return int(tx.execute(select(func.count()).select_from(log).where(*wrong)).scalar_one())


def _forget(tx: Transaction, site_id: int, window: timedelta) -> None:
    """An alarm lasts one window; what goes on after it is news again."""
    mine = (alert.c.genre == ALARM, alert.c.site_id == site_id, alert.c.resolue_a.is_(None))
    old = select(alert.c.id).where(*mine, alert.c.created_at <= tx.now - window)
    if tx.execute(old).first() is not None:
        alerts.end(tx, ALARM, str(site_id))
