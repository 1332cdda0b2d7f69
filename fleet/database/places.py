"""Sites and postes as rows, and what was heard of the postes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, select

from fleet.database import sessions
from fleet.database.engine import Transaction
from fleet.database.prepared import PREPARED
from fleet.database.sql import any_of, clock_read
from fleet.database.tables import desired, presence
from fleet.database.tables import poste as poste_table
from fleet.database.tables import site as site_table
from fleet.domain.errors import NotFound
from fleet.domain.opening_hours import OpeningHours
from fleet.domain.policy import Policy


@dataclass(frozen=True)
class Site:
    """A site with its rules."""

    id: int
    slug: str
    nom: str
    policy: Policy
    hours: OpeningHours
    notice: str
    config_rev: int
    notice_version: int = 1
    used_fields: frozenset[str] = frozenset()

    def code_expiry(self, now: datetime) -> datetime:
        """Until when a code given now can be used."""
        return now + timedelta(seconds=self.policy.code_lifetime_s)


def site(tx: Transaction, site_id: int) -> Site:
    """One site. Raises NotFound."""
    row = tx.execute(_SITE, {"wanted": site_id}).first()
    if row is None:
        raise NotFound("site")
    return to_site(row)


_SITE = (
    select(site_table, site_table.c.slug.label("site_slug"))
    .where(site_table.c.id == bindparam("wanted"))
    .execution_options(**PREPARED)
)


def site_now(tx: Transaction, site_id: int) -> Site:
    """One site, and the clock of the transaction with it, for what locks nothing before it acts. Raises NotFound."""
    row = tx.execute(_SITE_NOW, {"wanted": site_id}).first()
    if row is None:
        raise NotFound("site")
    tx.read_at(row.read_at)
    return to_site(row)


_SITE_NOW = _SITE.add_columns(clock_read().label("read_at"))


def to_site(row: Any) -> Site:
    """The site in a row of its table."""
    rules = sessions.rules_of(row)
    return Site(
        row.id,
        row.slug,
        row.nom,
        rules.policy,
        rules.hours,
        row.notice,
        row.config_rev,
        row.notice_version,
        frozenset(row.champs),
    )


def poste(tx: Transaction, poste_id: int) -> Row[Any]:
    """One poste. Raises NotFound."""
    row = tx.execute(select(poste_table).where(poste_table.c.id == poste_id)).first()
    if row is None:
        raise NotFound("poste")
    return row


def lock(tx: Transaction, poste_id: int) -> None:
    """Let nobody else decide about a poste until the commit."""
    tx.execute(select(desired.c.poste_id).where(desired.c.poste_id == poste_id).with_for_update())


def postes(tx: Transaction, site_id: int) -> dict[str, int]:
    """The postes of a site: slug to id."""
    rows = tx.execute(select(poste_table.c.slug, poste_table.c.id).where(poste_table.c.site_id == site_id))
    return {row.slug: row.id for row in rows}


def needs_care(tx: Transaction, poste_id: int) -> bool:
    """Whether a poste awaits a technician."""
    wanted = select(desired.c.needs_care).where(desired.c.poste_id == poste_id)
    return tx.execute(wanted).scalar_one_or_none() is not None


def is_cleaning(tx: Transaction, poste_id: int) -> bool:
    """Whether a poste said last that it is being cleaned."""
    wanted = select(presence.c.phase).where(presence.c.poste_id == poste_id)
    return tx.execute(wanted).scalar_one_or_none() == "cleaning"


def boot_online(tx: Transaction, poste_id: int) -> str | None:
    """The start of the machine of a poste that is there; None when it is not, or nobody knows."""
    wanted = select(presence.c.boot).where(presence.c.poste_id == poste_id, presence.c.online.is_(True))
    boot: str | None = tx.execute(wanted).scalar_one_or_none()
    return boot


def heard(tx: Transaction, poste_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """What was heard of some postes."""
    rows = tx.execute(select(presence).where(any_of(tx, presence.c.poste_id, poste_ids)))
    return {row.poste_id: row for row in rows}
