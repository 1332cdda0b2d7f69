"""A world in which every operation of the API has something to do, and for each the call that does it.

Each record is there for one operation: in whatever order they are called, none takes from another what it needs.
"""

import base64
import hashlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from sqlalchemy import select, update

from api.tokens import Tokens
from fleet.database import alerts, leases
from fleet.database import sessions as session_rows
from fleet.database.leases import Lease
from fleet.database.tables import alert, extension, lease, log, presence, session
from fleet.domain.actor import ADMINISTRATEUR, LECTEUR, SYSTEM, Actor
from fleet.jobs import running
from fleet.jobs.settings import JobSettings
from fleet.jobs.table import SWEEP
from fleet.usecases import (
    batches,
    bookings,
    calls,
    commands,
    enrolment,
    extensions,
    identities,
    logins,
    operateurs,
    photos,
    plan_images,
    poste_credentials,
    postes,
    requisitions,
    second_factor,
    sessions,
    sites,
    utilisateurs,
)  # fmt: skip
from fleet.usecases import queue as tickets
from fleet.usecases.batches import NewBatch
from fleet.usecases.bookings import NewBooking
from fleet.usecases.fleet import Fleet
from fleet.usecases.logins import Credentials
from fleet.usecases.operateurs import NewOperateur
from fleet.usecases.postes import NewPoste
from fleet.usecases.queue import NewTicket
from fleet.usecases.requisitions import NewRequisition
from fleet.usecases.sessions import NewSession
from mosquitto.passwords import hash_password
from protocol.messages import Extend
from protocol.release import Release
from tests.api.conftest import MACHINE, MADE, PASSWORD, WHY
from tests.api.test_personal_data import picture

HOUR_S = 3600


@dataclass(frozen=True)
class Act:
    """A call that an operation answers well. A body of bytes is a file; `bearer` is who calls, if not the caller."""

    path: dict[str, Any] = field(default_factory=dict)
    query: dict[str, Any] = field(default_factory=dict)
    body: Any = None
    bearer: str | None = None

    def told(self) -> dict[str, Any]:
        """The same as JSON."""
        is_file = isinstance(self.body, bytes)
        body = {"file": base64.b64encode(self.body).decode()} if is_file else {"body": self.body}
        return {"path": self.path, "query": self.query, "bearer": self.bearer, **body}


@dataclass
class World:
    """What fills the site, one thing after another."""

    fleet: Fleet
    site_id: int
    tokens: Tokens
    releases: Path
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(10))

    def poste(self, phase: str | None = None) -> tuple[int, str]:
        """A new poste that is there, free where nobody gave it a session; `locked` where the queue may call to it."""
        slug = f"salle-{next(self._numbers)}"
        made = postes.create(self.fleet, SYSTEM, NewPoste(self.site_id, slug, slug.title()))
        with self.fleet.database.transaction() as tx:
            seen = {"online": True, "boot": "boot-1", "since": tx.now, "derniere_connexion": tx.now}
            tx.execute(update(presence).where(presence.c.poste_id == made).values(**seen, phase=phase))
        return made, slug

    def known(self) -> str:
        """A poste that the broker knows by a password."""
        poste_id, slug = self.poste()
        with self.fleet.database.transaction() as tx:
            identities.put(tx, poste_id, hash_password(MADE))
        return slug

    def order(self) -> str:
        """An order that waits for a poste that is away."""
        slug = f"salle-{next(self._numbers)}"
        away = postes.create(self.fleet, SYSTEM, NewPoste(self.site_id, slug, slug.title()))
        return commands.send(self.fleet, SYSTEM, commands.NewCommand(away, "identify", when="back")).id

    def waiting(self) -> int:
        """A session whose code was not used, at a poste of its own."""
        poste_id, _ = self.poste()
        return sessions.create(self.fleet, SYSTEM, NewSession(self.site_id, HOUR_S, poste_id)).session_id

    def after(self, *acts: Callable[[Fleet, Actor, int], object]) -> int:
        """A session at a poste of its own, after these."""
        number = self.waiting()
        for act in acts:
            act(self.fleet, SYSTEM, number)
        return number

    def running(self) -> int:
        """A session that runs."""
        return self.after(sessions.start)

    def just_ended(self) -> int:
        """A session that was ended a moment ago, however long all of this takes."""
        number = self.after(sessions.start, sessions.terminate)
        with self.fleet.database.transaction() as tx:
            later = {"fin_session": tx.now + timedelta(minutes=10)}
            tx.execute(update(session).where(session.c.id == number).values(**later))
        return number

    def asking(self) -> tuple[int, int]:
        """A session that runs and whose visitor asks for more time, and what was asked."""
        number = self.running()
        with self.fleet.database.transaction() as tx:
            asked = Extend(id=f"q-{number}", nonce="n", boot="boot-1", session=str(number))
            extensions.ask(tx, session_rows.locked(tx, number), asked)
            wanted = select(extension.c.id).where(extension.c.session_id == number)
            return number, int(tx.execute(wanted).scalar_one())

    def person(self, *, with_photo: bool = False) -> int:
        """Somebody who agreed to be known."""
        number = next(self._numbers)
        fields = {"nom": f"Payet{number}", "prenom": "Marie", "consentement_rgpd": True}
        made = utilisateurs.create(self.fleet, SYSTEM, fields, self.site_id)
        if with_photo:
            photos.put(self.fleet, SYSTEM, made, picture(size=(40, 30)), self.site_id)
        return made

    def colleague(self) -> int:
        """An operator whom nobody will miss."""
        new = NewOperateur(f"spare-{next(self._numbers)}", PASSWORD, LECTEUR, [self.site_id])
        return operateurs.create(self.fleet, SYSTEM, new)

    def bearer(self, operateur_id: int) -> str:
        """An access token of an operator."""
        actor = operateurs.actor_of(self.fleet, operateur_id)
        assert actor is not None
        return self.tokens.make(operateur_id, actor.generation, datetime.now(UTC))

    def ticket(self) -> int:
        """Somebody who waits."""
        return tickets.join(self.fleet, SYSTEM, NewTicket(self.site_id, 600))

    def booking(self, minutes: int = 60) -> int:
        """A poste of its own, promised so many minutes from now."""
        poste_id, _ = self.poste()
        start = datetime.now(UTC) + timedelta(minutes=minutes)
        new = NewBooking(poste_id, start, start + timedelta(hours=1), nom="Léa")
        return bookings.create(self.fleet, SYSTEM, new)

    def requisition(self, *, approved: bool = False) -> tuple[int, str]:
        """What an administrateur of its own asks for, and that one's token."""
        asker, other = self.administrateur(), self.administrateur()
        now = datetime.now(UTC)
        new = NewRequisition("r", now - timedelta(days=2), now - timedelta(days=1))
        number = requisitions.ask(self.fleet, self._actor(asker), new)
        if approved:
            requisitions.approve(self.fleet, self._actor(other), number)
        return number, self.bearer(asker)

    def administrateur(self) -> int:
        """Another one, who may do everything."""
        login = f"chef-{next(self._numbers)}"
        return operateurs.create(self.fleet, SYSTEM, NewOperateur(login, PASSWORD, ADMINISTRATEUR))

    def _actor(self, number: int) -> Actor:
        known = operateurs.actor_of(self.fleet, number)
        assert known is not None
        return known

    def batch(self) -> int:
        """Codes to be printed."""
        return batches.create(self.fleet, SYSTEM, NewBatch(self.site_id, 2, 600))[0]

    def alert(self) -> int:
        """Something that a human should look at."""
        poste_id, _ = self.poste()
        with self.fleet.database.transaction() as tx:
            alerts.begin(tx, "poste_muet", str(poste_id), site_id=self.site_id, poste_id=poste_id)
            return int(tx.execute(select(alert.c.id)).scalar_one())

    def called(self, lease: Lease) -> int:
        """Somebody who waited and was called to a poste that is held."""
        self.poste(phase="locked")
        made = self.ticket()
        calls.settle(self.fleet, lease)
        return made

    def release(self) -> str:
        """A version of the agent; gives its digest."""
        content = b"a wheel"
        told = Release(
            version="0.2.0", sha256=hashlib.sha256(content).hexdigest(), size=len(content),
            file="agent-0.2.0-py3-none-any.whl", signature="c2lnbmVk",
        )  # fmt: skip
        self.releases.mkdir(exist_ok=True)
        (self.releases / told.file).write_bytes(content)
        (self.releases / f"{told.file}.sig").write_bytes(msgspec.json.encode(told))
        return told.sha256

    def enrolled(self) -> tuple[int, TOTP]:
        """A colleague with an authenticator whose first code nobody has seen."""
        number = self.colleague()
        uri = second_factor.enrol(self.fleet, Actor(number, LECTEUR)).uri
        (secret,) = parse_qs(urlsplit(uri).query)["secret"]
        return number, TOTP(base64.b32decode(secret), 6, SHA1(), second_factor.STEP_S)


def acts(world: World) -> dict[str, Act]:
    """For every operation a call that it answers well, to be made within a minute of this."""
    with world.fleet.database.transaction() as tx:
        driven = leases.acquire(tx.connection, world.site_id, "somebody", tx.now)
        assert driven is not None
        tx.execute(update(lease).values(expires_at=tx.now + timedelta(hours=1)))
    made = _queue(world, driven)  # first, while nobody else is free
    for part in (_sessions, _postes, _people, _places, _records, _accounts):
        made |= part(world)
    return made


def _queue(world: World, driven: Lease) -> dict[str, Act]:
    serve = world.called(driven)
    read, give_up, skip, _after_it = (world.ticket() for _ in range(4))
    return {
        "POST /api/attente/{ticket_id}/serve": Act({"ticket_id": serve}),
        "GET /api/attente/{ticket_id}": Act({"ticket_id": read}),
        "POST /api/attente/{ticket_id}/give_up": Act({"ticket_id": give_up}),
        "POST /api/attente/{ticket_id}/skip": Act({"ticket_id": skip}),
        "GET /api/attente": Act(query={"site": "st-denis"}),
        "GET /api/events": Act(query={"duree": 0}),
        "POST /api/attente": Act(body={"site": "st-denis", "duree": 600, "prenom": "Léa"}),
    }


def _sessions(world: World) -> dict[str, Act]:
    (answered, _), (_, read), (_, accept), (_, refuse) = (world.asking() for _ in range(4))
    start, suspend = sessions.start, sessions.suspend
    base = "/api/sessions/{session_id}"
    made = {
        f"GET {base}": world.running(),
        f"PUT {base}": world.running(),
        f"DELETE {base}": world.waiting(),
        f"GET {base}/time_remaining": world.running(),
        f"GET {base}/timeline": world.running(),
        f"POST {base}/start": world.waiting(),
        f"POST {base}/reprint": world.waiting(),
        f"POST {base}/add_time": world.running(),
        f"POST {base}/refuse_time": answered,
        f"POST {base}/suspend": world.running(),
        f"POST {base}/resume": world.after(start, suspend),
        f"POST {base}/terminate": world.running(),
        f"POST {base}/undo": world.just_ended(),
        f"POST {base}/transfer": world.running(),
        f"POST {base}/swap": world.running(),
    }
    bodies: dict[str, Any] = {
        f"PUT {base}": {"notes": "vue"},
        f"POST {base}/add_time": {"seconds": 900},
        f"POST {base}/transfer": {"poste": world.poste()[1]},
        f"POST {base}/swap": {"session": world.running()},
    }
    found = {name: Act({"session_id": number}, body=bodies.get(name)) for name, number in made.items()}
    many = {"action": "terminate", "sessions": [world.running()]}
    demande = "/api/demandes/{request_id}"
    return found | {
        "POST /api/sessions": Act(body={"duree_initiale": HOUR_S, "site": "st-denis"}),
        "POST /api/sessions/bulk": Act(body=many),
        "GET /api/logs/by_session": Act(query={"session": answered}),
        f"GET {demande}": Act({"request_id": read}),
        f"POST {demande}/accept": Act({"request_id": accept}, body={"secondes": 600}),
        f"POST {demande}/refuse": Act({"request_id": refuse}),
    }


def _postes(world: World) -> dict[str, Act]:
    base = "/api/postes/{poste}"
    bodies: dict[str, Any] = {
        f"PUT {base}": {"notes": "près de la fenêtre"},
        f"PUT {base}/status": {"statut": "maintenance"},
        f"POST {base}/commands": {"op": "identify"},
    }
    plain = (
        f"GET {base}", f"PUT {base}", f"DELETE {base}", f"PUT {base}/status", f"POST {base}/commands",
        f"POST {base}/marquer_disponible", f"POST {base}/marquer_maintenance", f"POST {base}/marquer_hors_ligne",
        f"POST {base}/credential",
    )  # fmt: skip
    found = {name: Act({"poste": world.poste()[1]}, body=bodies.get(name)) for name in plain}
    for verb in ("GET", "DELETE"):
        poste_id, slug = world.poste()
        poste_credentials.issue(world.fleet, SYSTEM, poste_id)
        found[f"{verb} {base}/credential"] = Act({"poste": slug})
    poste_id, slug = world.poste()
    sessions.start(
        world.fleet,
        SYSTEM,
        sessions.create(world.fleet, SYSTEM, NewSession(world.site_id, HOUR_S, poste_id)).session_id,
    )
    return (
        found
        | _stand_in(world)
        | _machines(world)
        | {
            f"GET {base}/session_active": Act({"poste": slug}),
            "POST /api/postes": Act(body={"slug": "salle-neuve", "nom": "Neuf", "site": "st-denis"}),
            "DELETE /api/commandes/{order_id}": Act({"order_id": world.order()}),
            "POST /api/postes/bulk": Act(body={"action": "maintenance", "postes": [world.poste()[1]]}),
        }
    )


def _stand_in(world: World) -> dict[str, Act]:
    """What a poste asks by its own credential."""
    poste_id, slug = world.poste()
    new = NewSession(world.site_id, HOUR_S, poste_id)
    body = {"code": sessions.create(world.fleet, SYSTEM, new).code, "poste": slug}
    key = poste_credentials.issue(world.fleet, SYSTEM, poste_id)
    return {
        "POST /api/postes/{poste}/heartbeat": Act({"poste": slug}, body={}, bearer=key),
        "POST /api/sessions/validate_code": Act(body=body, bearer=key),
        "POST /api/sessions/validate-code": Act(body=body, bearer=key),
    }


def _machines(world: World) -> dict[str, Act]:
    """What is opened for machines, and what they ask."""
    base = "/api/postes/{poste}"
    token, renewed = enrolment.open_(world.fleet, SYSTEM, world.poste()[0]).jeton, world.known()
    found = {f"POST {base}/enrolement": Act({"poste": world.poste()[1]})}
    for verb in ("GET", "DELETE"):
        poste_id, slug = world.poste()
        enrolment.open_(world.fleet, SYSTEM, poste_id)
        found[f"{verb} {base}/enrolement"] = Act({"poste": slug})
        found[f"{verb} {base}/identite"] = Act({"poste": world.known()})
    return found | {
        "POST /api/enrolement": Act(body={"jeton": token, "mot_de_passe": MADE, "machine": MACHINE}),
        "POST /api/enrolement/demandes": Act(body=MACHINE),
        "POST /api/enrolement/renouvellement": Act(
            body={"poste": renewed, "mot_de_passe": MADE, "nouveau": MADE[::-1]}
        ),
    }


def _people(world: World) -> dict[str, Act]:
    base = "/api/utilisateurs/{utilisateur_id}"
    plain = (
        f"GET {base}", f"PUT {base}", f"DELETE {base}", f"GET {base}/sessions", f"GET {base}/can_create_session",
        f"POST {base}/revoke_consent", f"POST {base}/renew_consent", f"PUT {base}/photo", f"GET {base}/export",
        f"POST {base}/erase",
    )  # fmt: skip
    bodies: dict[str, Any] = {
        f"PUT {base}": {"notes": "préfère le matin"},
        f"PUT {base}/photo": picture(size=(40, 30)),
    }
    found = {name: Act({"utilisateur_id": world.person()}, body=bodies.get(name)) for name in plain}
    with_photo = {
        f"{verb} {base}/photo": Act({"utilisateur_id": world.person(with_photo=True)})
        for verb in ("GET", "DELETE")
    }
    new = {"nom": "Hoarau", "prenom": "Ida", "consentement_rgpd": True}
    return found | with_photo | {"POST /api/utilisateurs": Act(query={"site": "st-denis"}, body=new)}


def _accounts(world: World) -> dict[str, Act]:
    base = "/api/operateurs/{operateur_id}"
    bodies: dict[str, Any] = {f"PUT {base}": {"role": "lecteur"}}
    plain = (f"GET {base}", f"PUT {base}", f"DELETE {base}", f"POST {base}/revoke_all", f"DELETE {base}/totp")
    found = {name: Act({"operateur_id": world.colleague()}, body=bodies.get(name)) for name in plain}
    new = {"login": "nouvelle", "mot_de_passe": PASSWORD, "role": "lecteur", "sites": ["st-denis"]}
    return found | _logins(world) | _own_account(world) | {"POST /api/operateurs": Act(body=new)}


def _logins(world: World) -> dict[str, Act]:
    login = NewOperateur("spare", PASSWORD, LECTEUR, [world.site_id])
    number = operateurs.create(world.fleet, SYSTEM, login)
    shown = {"login": "spare", "password": PASSWORD}
    one, other = (logins.authenticate(world.fleet, Credentials(**shown)).refresh_token for _ in range(2))
    return {
        "POST /api/token": Act(body=shown),
        "POST /api/auth/login": Act(body=shown),
        "POST /api/token/refresh": Act(body={"refresh": one}),
        "POST /api/auth/logout": Act(body={"refresh": other}),
        "POST /api/token/verify": Act(body={"token": world.bearer(number)}),
    }


def _own_account(world: World) -> dict[str, Act]:
    """What is about one's own account, each by somebody else: it may end what the caller goes on with."""
    now = int(datetime.now(UTC).timestamp())
    (first, first_phone), (second, second_phone) = (world.enrolled() for _ in range(2))
    second_factor.confirm(world.fleet, Actor(second, LECTEUR), second_phone.generate(now).decode())
    change = {"actuel": PASSWORD, "nouveau": PASSWORD + "!"}

    def code(phone: TOTP) -> str:
        """The one that is good the longest: that of the next step."""
        return phone.generate(now + second_factor.STEP_S).decode()

    base = "POST /api/auth"
    return {
        f"{base}/password": Act(body=change, bearer=world.bearer(world.colleague())),
        f"{base}/revoke_all": Act(bearer=world.bearer(world.colleague())),
        f"{base}/totp": Act(body={"mot_de_passe": PASSWORD}, bearer=world.bearer(world.colleague())),
        f"{base}/totp/confirm": Act(body={"code": code(first_phone)}, bearer=world.bearer(first)),
        f"{base}/totp/disable": Act(body={"code": code(second_phone)}, bearer=world.bearer(second)),
    }


def _places(world: World) -> dict[str, Act]:
    sites.edit(world.fleet, SYSTEM, world.site_id, {"notice": "Ce que nous gardons."})
    drawn, _ = (
        sites.create(world.fleet, SYSTEM, slug, {"nom": slug}) for slug in ("saint-leu", "saint-paul")
    )
    for site_id in (world.site_id, drawn):
        plan_images.put(world.fleet, SYSTEM, site_id, picture(size=(40, 30)))
    here = {"site": "st-denis"}
    base = "/api/sites/{site}"
    return {
        "POST /api/sites": Act(body={"slug": "le-port", "nom": "Le Port"}),
        f"GET {base}": Act(here),
        f"PUT {base}": Act(here, body={"nom": "Saint-Denis", "champs": WHY}),
        f"GET {base}/textes": Act(here),
        f"GET {base}/textes/{{genre}}/{{number}}": Act(here | {"genre": "notice", "number": 1}),
        f"GET {base}/plan": Act(here),
        f"PUT {base}/plan": Act(
            here, body={"postes": [{"poste": world.poste()[1], "plan_x": 1.0, "plan_y": 2.0}]}
        ),
        f"GET {base}/plan/image": Act(here),
        "GET /api/agent/releases/{sha256}": Act({"sha256": world.release()}),
        f"PUT {base}/plan/image": Act({"site": "saint-paul"}, body=picture(size=(40, 30))),
        f"DELETE {base}/plan/image": Act({"site": "saint-leu"}),
        f"POST {base}/message": Act(here, body={"texte": "Bonjour"}),
        f"POST {base}/credit_panne": Act(here, body={"secondes": 60}),
    }


def _records(world: World) -> dict[str, Act]:
    done = running.run_one(world.fleet.database, JobSettings(), "sessions_report", "2026-03-11", "tests")
    assert done is not None
    assert done[0], done
    with world.fleet.database.read() as tx:
        line = tx.execute(select(log.c.id).where(log.c.site_id == world.site_id).limit(1)).scalar_one()
    report = {"genre": "sessions", "jour": "2026-03-10"}
    start = datetime.now(UTC) + timedelta(hours=6)
    booked = {
        "poste": world.poste()[1],
        "debut": start.isoformat(),
        "fin": (start + timedelta(hours=1)).isoformat(),
    }
    lot, booking = "/api/lots/{batch_id}", "/api/reservations/{booking_id}"
    asked, (approved, asker) = "/api/requisitions/{requisition_id}", world.requisition(approved=True)
    day = {"depuis": "2026-03-01T00:00:00Z", "jusqu_a": "2026-03-02T00:00:00Z"}
    return {
        "POST /api/requisitions": Act(body={"reference": "r", **day}),
        f"GET {asked}": Act({"requisition_id": approved}),
        f"POST {asked}/approve": Act({"requisition_id": world.requisition()[0]}),
        f"POST {asked}/refuse": Act({"requisition_id": world.requisition()[0]}),
        f"GET {asked}/export": Act({"requisition_id": approved}, bearer=asker),
        "POST /api/lots": Act(body={"site": "st-denis", "nombre": 2, "duree_initiale": 600}),
        f"GET {lot}": Act({"batch_id": world.batch()}),
        f"POST {lot}/reprint": Act({"batch_id": world.batch()}),
        f"POST {lot}/cancel": Act({"batch_id": world.batch()}),
        "POST /api/reservations": Act(body=booked | {"nom": "Léa"}),
        f"GET {booking}": Act({"booking_id": world.booking()}),
        f"POST {booking}/cancel": Act({"booking_id": world.booking()}),
        f"POST {booking}/serve": Act({"booking_id": world.booking(minutes=5)}),
        "POST /api/alertes/{alert_id}/acquitter": Act({"alert_id": world.alert()}),
        "POST /api/jobs/{job}/run": Act({"job": SWEEP}),
        "GET /api/exports/{quoi}": Act({"quoi": "sessions"}),
        "GET /api/logs/{log_id}": Act({"log_id": line}),
        "POST /api/logs/search": Act(body={"limit": 10}),
        "GET /api/rapports/{genre}/{jour}": Act(report),
        "GET /api/rapports/{genre}/{jour}/page": Act(report),
    }
