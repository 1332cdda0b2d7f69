"""What the desk does with sessions: create, extend, suspend, resume, end, cancel, note."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select

from fleet.database import outbox, people, places, sessions
from fleet.database.engine import Transaction
from fleet.database.news import CODES
from fleet.database.sessions import Found
from fleet.database.tables import session as table
from fleet.domain import access_code, moments, quota
from fleet.domain import session as rules
from fleet.domain.actor import OPERATEUR, Actor
from fleet.domain.errors import Invalid, Refused
from fleet.usecases import desk, extensions, promises, undo
from fleet.usecases.fleet import Fleet

CODE_TRIES = 5
_DATABASE_CODE_TAKEN = "code_deja_utilise"


@dataclass(frozen=True)
class Created:
    """A new session and its code, the only time that the code is told unasked."""

    session_id: int
    code: str


@dataclass(frozen=True)
class NewSession:
    """What a session is created with. No poste: any free one of the site. No utilisateur: anonymous."""

    site_id: int
    duration_s: int
    poste_id: int | None = None
    utilisateur_id: int | None = None
    notes: str = ""


Also = Callable[[Transaction, int], None]


def create(fleet: Fleet, actor: Actor, new: NewSession, also: Also | None = None) -> Created:
    """A session that waits for its code to be typed; `also` is done with its id in the same transaction.

    Raises Refused with the rule that forbids it.
    """
    fleet.require(actor, OPERATEUR, "generation_code", site=new.site_id)
    fleet.require_site(actor, new.site_id, "generation_code")
    for _ in range(CODE_TRIES):
        code = access_code.generate()
        try:
            return Created(_create(fleet, actor, new, code, also), code)
        except _CodeTaken:
            continue
    raise Refused("code_sature")


class _CodeTaken(Exception):
    """The random code is in use by another session: draw again."""


def _create(fleet: Fleet, actor: Actor, new: NewSession, code: str, also: Also | None) -> int:
    with fleet.attempt(actor, "generation_code") as (tx, about):
        about.site_id, about.poste_id, about.utilisateur_id = new.site_id, new.poste_id, new.utilisateur_id
        look = places.site_now if new.utilisateur_id is None else places.site
        site = look(tx, new.site_id)
        _check_duration(new.duration_s, site.policy.longest_session_s)
        if new.poste_id is not None:
            desk.check_poste(tx, actor, new.site_id, new.poste_id)
        if new.utilisateur_id is not None:
            _check_person(tx, new.utilisateur_id, site, new.duration_s * 1000)
        values = {
            "site_id": new.site_id,
            "poste_id": new.poste_id,
            "poste_impose": new.poste_id is not None,
            "utilisateur_id": new.utilisateur_id,
            "operateur_id": actor.operateur_id,
            "statut": rules.EN_ATTENTE,
            "duree_initiale_ms": new.duration_s * 1000,
            "code_index": fleet.keys.index(code),
            "code_scelle": fleet.keys.seal(code),
            "code_expire_a": site.code_expiry(tx.now),
            "notes": new.notes,
        }
        made = _add(tx, values)
        if also is not None:
            also(tx, made)
        tx.record(
            desk.entry("generation_code", about, actor, session_id=made, metadata={"duree_s": new.duration_s})
        )
        tx.tell(new.site_id, CODES)
        return made


def _add(tx: Transaction, values: dict[str, Any]) -> int:
    try:
        return sessions.add(tx, values)
    except Refused as refusal:
        if refusal.reason == _DATABASE_CODE_TAKEN:
            raise _CodeTaken from None
        raise


def _check_duration(duration_s: int, longest_s: int, added_s: int = 0) -> None:
    """Refuse a duration that is too short or too long, alone or with what was added since."""
    shortest = rules.SHORTEST_MS // 1000 + max(0, -added_s)
    longest = longest_s - added_s
    if not shortest <= duration_s <= longest:
        raise Invalid("duree_initiale", "duree_invalide", minimum=shortest, maximum=longest)


def _check_person(tx: Transaction, utilisateur_id: int, site: places.Site, asked_ms: int) -> None:
    person = people.locked(tx, utilisateur_id)
    if not person.consentement_rgpd:
        raise Refused("consentement_absent")
    day, _ = site.hours.day_bounds(tx.now)
    usage = sessions.usage(tx, utilisateur_id, day, site.hours.week_start(tx.now))
    quota.check(usage, asked_ms, site.policy, person.categorie)


def add_time(fleet: Fleet, actor: Actor, session_id: int, seconds: int, answering: int | None = None) -> int:
    """Grant more time, or take some away; `answering` a request, only while that is open.

    Gives the rev of the poste, 0 without one. Raises Refused.
    """

    def decide(tx: Transaction, found: Found) -> rules.Session:
        if answering is not None:
            extensions.require_open(tx, answering)
        _check_time_quota(tx, found, seconds)
        promises.check_room(tx, found, seconds)
        closing = closing_of(found, tx.now)
        after = rules.add(found.session, seconds * 1000, tx.now, found.rules.policy, closing)
        genre = "ajout" if seconds > 0 else "retrait"
        sessions.give(tx, session_id, genre, seconds * 1000, operateur_id=actor.operateur_id)
        if seconds > 0:
            extensions.grant(tx, found, actor.operateur_id)
        return after

    reason = "temps_ajoute" if seconds > 0 else "temps_retire"
    facts = {"secondes": seconds}
    return _change(fleet, actor, session_id, "ajout_temps", reason, decide, facts)


def closing_of(found: Found, now: datetime) -> datetime | None:
    """Until when time may be granted: a session that runs while the site is closed gets no more."""
    hours = found.rules.hours
    if found.session.statut == rules.ACTIVE and not hours.is_open(now):
        return hours.local(now)
    closing = hours.closing(now)
    return None if closing is None else hours.local(closing)


def _check_time_quota(tx: Transaction, found: Found, seconds: int) -> None:
    person, policy = found.session.utilisateur_id, found.rules.policy
    limited = policy.minutes_per_day or policy.minutes_per_week or policy.minutes_per_day_by_category
    if person is None or seconds <= 0 or not limited:
        return
    categorie = people.locked(tx, person).categorie
    day, _ = found.rules.hours.day_bounds(tx.now)
    week = found.rules.hours.week_start(tx.now)
    usage = sessions.usage(tx, person, day, week, without=found.session.id)
    quota.check_time(usage, found.session.granted_ms + seconds * 1000, policy, categorie)


def suspend(fleet: Fleet, actor: Actor, session_id: int) -> int:
    """Pause a session: the poste locks and the time left is kept. Raises Refused."""

    def decide(tx: Transaction, found: Found) -> rules.Session:
        return rules.suspend(found.session, tx.now, found.rules.policy, "suspension_operateur")

    return _change(fleet, actor, session_id, "suspension_session", "suspension_operateur", decide)


def resume(fleet: Fleet, actor: Actor, session_id: int) -> int:
    """Let a paused session run again, at a poste that is there. Raises Refused."""

    def decide(tx: Transaction, found: Found) -> rules.Session:
        rules.resume(found.session, tx.now)
        undo.require_ready(tx, found.session)
        return capped(
            tx, found, rules.resume(found.session, tx.now, desk.present(tx, found.session.poste_id))
        )

    return _change(fleet, actor, session_id, "reprise_session", "reprise", decide)


def start(fleet: Fleet, actor: Actor, session_id: int) -> int:
    """Start at the desk a session that names its poste, which must be there. Raises Refused."""

    def decide(tx: Transaction, found: Found) -> rules.Session:
        session = found.session
        rules.check_waits(session)
        if session.poste_id is None:
            raise Refused("sans_poste")
        boot = desk.present(tx, session.poste_id)
        desk.check_poste(tx, actor, session.site_id, session.poste_id)
        if places.needs_care(tx, session.poste_id):
            raise Refused("poste_en_maintenance")
        return begin(tx, found, session.poste_id, boot)

    return _change(fleet, actor, session_id, "demarrage_session", "demarrage", decide)


def begin(
    tx: Transaction, found: Found, poste_id: int, boot: str, *, is_booked: bool = True
) -> rules.Session:
    """Start a session here and now, if hours and quotas let it; capped at closing time. Raises Refused.

    `is_booked` False: the poste is known to be promised to nobody.
    """
    session, site_rules = found.session, found.rules
    if session.utilisateur_id is not None:
        person = people.locked(tx, session.utilisateur_id)
        if not person.consentement_rgpd:
            raise Refused("consentement_absent")
        day, _ = site_rules.hours.day_bounds(tx.now)
        week = site_rules.hours.week_start(tx.now)
        usage = sessions.usage(tx, session.utilisateur_id, day, week, without=session.id)
        quota.check(usage, session.granted_ms, site_rules.policy, person.categorie)
    return capped(tx, found, rules.start(session, poste_id, tx.now, boot), is_booked=is_booked)


def capped(tx: Transaction, found: Found, running: rules.Session, *, is_booked: bool = True) -> rules.Session:
    """A session that begins to run, cut at closing time and where its poste is promised to somebody else.

    Raises Refused when the site is closed, or as good as, or the poste is held for somebody.
    """
    hours = found.rules.hours
    if not hours.is_open(tx.now):
        opening = hours.next_opening(tx.now)
        local = None if opening is None else hours.local(opening)
        raise Refused("ferme", **moments.blank("ouverture", local, tx.now))
    closing = closing_of(found, tx.now)
    after, taken = rules.cap(running, tx.now, closing)
    if closing is not None and after.remaining_ms(tx.now) == 0:
        raise Refused("apres_fermeture", **moments.blank("fermeture", closing, tx.now))
    if taken:
        sessions.give(tx, running.id, "retrait", -taken, motif="fermeture")
    stays = running.poste_id == found.session.poste_id
    return promises.respected(tx, found, after) if is_booked and (found.is_booked or not stays) else after


def terminate(fleet: Fleet, actor: Actor, session_id: int, reason: str = "fin_operateur") -> int:
    """End a session now, whatever is left. An en_attente one is cancelled. Raises Refused."""

    def decide(tx: Transaction, found: Found) -> rules.Session:
        waiting = found.session.statut == rules.EN_ATTENTE
        return rules.end(found.session, tx.now, "annulation" if waiting else reason)

    return _change(fleet, actor, session_id, "fermeture", reason, decide)


def cancel(fleet: Fleet, actor: Actor, session_id: int) -> int:
    """Cancel a session whose code was not used. Raises Refused."""

    def decide(tx: Transaction, found: Found) -> rules.Session:
        if found.session.statut != rules.EN_ATTENTE:
            raise Refused("transition_interdite", statut=found.session.statut)
        return rules.end(found.session, tx.now, "annulation")

    return _change(fleet, actor, session_id, "fermeture", "annulation", decide)


@dataclass(frozen=True)
class Edit:
    """What a generic PUT may change. None leaves a field as it is; `any_poste` unbinds the poste."""

    notes: str | None = None
    duration_s: int | None = None
    poste_id: int | None = None
    any_poste: bool = False


def edit(fleet: Fleet, actor: Actor, session_id: int, changes: Edit) -> None:
    """Change the notes and, while en_attente, poste and duration. Raises Refused."""
    fleet.require(actor, OPERATEUR, "modification_session", session=session_id)
    with fleet.attempt(actor, "modification_session") as (tx, about):
        found = desk.locked(tx, about, actor, session_id)
        session, also = found.session, _edited(tx, actor, found, changes)
        if also and session.statut != rules.EN_ATTENTE and set(also) != {"notes"}:
            raise Refused("transition_interdite", statut=session.statut)
        sessions.save(tx, session, session, **also)
        if "duree_initiale_ms" in also:
            difference = also["duree_initiale_ms"] - session.initial_ms
            genre = "ajout" if difference > 0 else "retrait"
            sessions.give(
                tx, session_id, genre, difference, motif="modification", operateur_id=actor.operateur_id
            )
        if also:
            tx.record(desk.entry("modification_session", about, actor, metadata={"champs": sorted(also)}))
            tx.tell(session.site_id, CODES)


def _edited(tx: Transaction, actor: Actor, found: Found, changes: Edit) -> dict[str, Any]:
    also: dict[str, Any] = {}
    if changes.notes is not None:
        also["notes"] = changes.notes
    if changes.duration_s is not None and changes.duration_s * 1000 != found.session.initial_ms:
        longest_s, added_s = found.rules.policy.longest_session_s, -(-found.session.added_ms // 1000)
        _check_duration(changes.duration_s, longest_s, added_s)
        also["duree_initiale_ms"] = changes.duration_s * 1000
    if changes.any_poste:
        also |= {"poste_id": None, "poste_impose": False}
    elif changes.poste_id is not None and changes.poste_id != found.session.poste_id:
        desk.check_poste(tx, actor, found.session.site_id, changes.poste_id)
        also |= {"poste_id": changes.poste_id, "poste_impose": True}
    return also


def reprint(fleet: Fleet, actor: Actor, session_id: int) -> str:
    """The code of a session that waits, told again to an operator; audited. Raises Refused."""
    fleet.require(actor, OPERATEUR, "reimpression_code", session=session_id)
    with fleet.attempt(actor, "reimpression_code") as (tx, about):
        desk.locked(tx, about, actor, session_id)
        sealed = tx.execute(select(table.c.code_scelle).where(table.c.id == session_id)).scalar_one()
        code = fleet.keys.unseal(bytes(sealed)) if sealed else None
        if code is None:
            raise Refused("code_deja_utilise")
        tx.record(desk.entry("reimpression_code", about, actor))
        return code


def _change(
    fleet: Fleet,
    actor: Actor,
    session_id: int,
    action: str,
    reason: str,
    decide: Callable[[Transaction, Found], rules.Session],
    facts: dict[str, Any] | None = None,
) -> int:
    fleet.require(actor, OPERATEUR, action, session=session_id)
    with fleet.attempt(actor, action) as (tx, about):
        found = desk.locked(tx, about, actor, session_id)
        after = decide(tx, found)
        tx.record(desk.entry(action, about, actor, metadata={"motif": reason, **(facts or {})}))
        waits = found.session.statut == rules.EN_ATTENTE and after.statut != rules.ACTIVE
        if after.poste_id is None or waits:
            sessions.save(tx, found.session, after)
            tx.tell(after.site_id, CODES)
            return 0
        return int(outbox.saved(tx, found.session, after, after.poste_id, reason).rev)
