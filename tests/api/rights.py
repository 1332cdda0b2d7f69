"""Who may call what. A test goes through all of it, and an operation of the API that has no line here turns it red.

`least` is the lowest role that may; PUBLIC needs nobody to be known. `foreign` is what somebody with that role at
another site meets: HIDDEN (404), FILTERED (an answer without anything of this site), EACH (each of many is not
found), or SHARED (it belongs to no site). `poste`: its own credential opens it too. `may_clash`: in the world of
the test the rules may refuse it (409, 422); `may_miss`: what it is about may not be there (404). `is_down`: there it
says that the service is not ready (503), as no controller drives a site.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fleet.domain.actor import ADMINISTRATEUR, LECTEUR, OPERATEUR
from tests.api.conftest import MACHINE, MADE, PASSWORD

PUBLIC, POSTE = "public", "poste"
HIDDEN, FILTERED, EACH, SHARED = "hidden", "filtered", "each", "shared"


@dataclass(frozen=True)
class Right:
    """One line of the table. A body of bytes is a file."""

    least: str
    foreign: str = SHARED
    body: Any = None
    query: str = ""
    poste: bool = False
    may_clash: bool = False
    may_miss: bool = False
    is_down: bool = False


def _read(foreign: str, **more: Any) -> Right:
    return Right(LECTEUR, foreign, **more)


def _write(foreign: str = HIDDEN, body: Any = None, **more: Any) -> Right:
    return Right(OPERATEUR, foreign, body, may_clash=True, **more)


def _admin(foreign: str = SHARED, body: Any = None) -> Right:
    return Right(ADMINISTRATEUR, foreign, body, may_clash=True)


_LOGIN = {"login": "spare", "password": PASSWORD}
_PERSON = {"nom": "Payet", "prenom": "Marie"}
_CODE = {"code": "ABC234", "poste": "poste-1"}
_NEW_OPERATEUR = {"login": "new", "mot_de_passe": PASSWORD, "role": "lecteur"}

_BATCH = {"site": "st-denis", "nombre": 2, "duree_initiale": 600}
_TICKET = {"site": "st-denis", "duree": 600}


def booking(hours: int) -> dict[str, str]:
    """A poste of ours for an hour, so many hours from now."""
    start = datetime.now(UTC) + timedelta(hours=hours)
    return {
        "poste": "poste-1",
        "debut": start.isoformat(),
        "fin": (start + timedelta(hours=1)).isoformat(),
        "nom": "Léa",
    }


RIGHTS: dict[str, Right] = {
    "POST /api/token": Right(PUBLIC, body=_LOGIN),
    "POST /api/token/refresh": Right(PUBLIC, body={"refresh": "REFRESH"}),
    "POST /api/token/verify": Right(PUBLIC, body={"token": "ACCESS"}),
    "POST /api/auth/login": Right(PUBLIC, body=_LOGIN),
    "POST /api/auth/logout": Right(PUBLIC),
    "GET /api": Right(PUBLIC),
    "GET /api/health/live": Right(PUBLIC),
    "GET /api/health/ready": Right(PUBLIC, is_down=True),
    "GET /api/auth/me": _read(SHARED),
    "POST /api/auth/password": _read(SHARED, body={"actuel": PASSWORD, "nouveau": PASSWORD}),
    "POST /api/auth/revoke_all": _read(SHARED),
    "POST /api/auth/ws_ticket": _read(SHARED),
    "POST /api/auth/totp": _read(SHARED, body={"mot_de_passe": PASSWORD}),
    "POST /api/auth/totp/confirm": _read(SHARED, body={"code": "000000"}, may_clash=True),
    "POST /api/auth/totp/disable": _read(SHARED, body={"code": "000000"}, may_clash=True),
    "GET /api/operateurs": _admin(),
    "POST /api/operateurs": _admin(body=_NEW_OPERATEUR),
    "GET /api/operateurs/{operateur_id}": _admin(),
    "PUT /api/operateurs/{operateur_id}": _admin(body={"role": "lecteur"}),
    "DELETE /api/operateurs/{operateur_id}": _admin(),
    "POST /api/operateurs/{operateur_id}/revoke_all": _admin(),
    "DELETE /api/operateurs/{operateur_id}/totp": _admin(),
    "GET /api/sites": _read(FILTERED),
    "POST /api/sites": _admin(body={"slug": "le-port", "nom": "Le Port"}),
    "GET /api/sites/{site}": _read(HIDDEN),
    "PUT /api/sites/{site}": _admin(body={"nom": "Saint-Denis"}),
    "POST /api/sites/{site}/credit_panne": _write(body={"secondes": 60}),
    "POST /api/sites/{site}/message": _write(body={"texte": "Bonjour"}),
    "GET /api/politiques": _read(SHARED),
    "GET /api/sites/{site}/plan": _read(HIDDEN),
    "PUT /api/sites/{site}/plan/image": _admin(body=b"no picture"),
    "GET /api/sites/{site}/plan/image": _read(HIDDEN, may_miss=True),
    "DELETE /api/sites/{site}/plan/image": Right(ADMINISTRATEUR, may_miss=True),
    "PUT /api/sites/{site}/plan": _admin(
        body={"postes": [{"poste": "poste-1", "plan_x": 1.0, "plan_y": 2.0}]}
    ),
    "GET /api/sites/{site}/textes": _read(HIDDEN),
    "GET /api/sites/{site}/textes/{genre}/{number}": _read(HIDDEN, may_miss=True),
    "GET /api/rapports": _read(FILTERED),
    "GET /api/rapports/{genre}/{jour}": _read(HIDDEN, may_miss=True),
    "GET /api/rapports/{genre}/{jour}/page": _read(HIDDEN, may_miss=True),
    "GET /api/jobs": _read(SHARED),
    "POST /api/jobs/{job}/run": _admin(),
    "GET /api/commandes": _read(FILTERED),
    "DELETE /api/commandes/{order_id}": _write(),
    "GET /api/demandes": _read(FILTERED),
    "GET /api/demandes/{request_id}": _read(HIDDEN),
    "POST /api/demandes/{request_id}/accept": _write(body={}),
    "POST /api/demandes/{request_id}/refuse": _write(),
    "GET /api/alertes": _read(FILTERED),
    "POST /api/alertes/{alert_id}/acquitter": _write(),
    "GET /api/system": Right(OPERATEUR, FILTERED),
    "GET /api/metrics": Right(OPERATEUR, FILTERED),
    "GET /api/exports/{quoi}": Right(OPERATEUR, FILTERED),
    "GET /api/exports/logs": Right(OPERATEUR, FILTERED),
    "GET /api/events": _read(FILTERED, query="?duree=0"),
    "GET /api/attente": _read(FILTERED),
    "POST /api/attente": _write(body=_TICKET),
    "GET /api/attente/{ticket_id}": _read(HIDDEN),
    "POST /api/attente/{ticket_id}/give_up": _write(),
    "POST /api/attente/{ticket_id}/skip": _write(),
    "POST /api/attente/{ticket_id}/serve": _write(),
    "GET /api/lots": _read(FILTERED),
    "POST /api/lots": _write(body=_BATCH),
    "GET /api/lots/{batch_id}": _read(HIDDEN),
    "POST /api/lots/{batch_id}/reprint": _write(),
    "POST /api/lots/{batch_id}/cancel": _write(),
    "GET /api/reservations": _read(FILTERED),
    "POST /api/reservations": _write(body=booking(6)),
    "GET /api/reservations/{booking_id}": _read(HIDDEN),
    "POST /api/reservations/{booking_id}/cancel": _write(),
    "POST /api/reservations/{booking_id}/serve": _write(),
    "GET /api/logs": _read(FILTERED),
    "GET /api/logs/by_session": _read(FILTERED, query="?session=1"),
    "GET /api/logs/errors": _read(FILTERED),
    "GET /api/logs/recent": _read(FILTERED),
    "GET /api/logs/stats": _read(FILTERED),
    "GET /api/logs/verify": _admin(),
    "GET /api/logs/{log_id}": _read(HIDDEN),
    "POST /api/logs/search": _read(FILTERED, body={}),
    "GET /api/postes": _read(FILTERED),
    "POST /api/postes": _admin(body={"slug": "poste-9", "nom": "Neuf", "site": "st-denis"}),
    "POST /api/postes/bulk": _write(EACH, {"postes": ["poste-1"], "action": "disponible"}),
    "GET /api/postes/disponibles": _read(FILTERED),
    "GET /api/postes/stats": _read(FILTERED),
    "GET /api/postes/{poste}": _read(HIDDEN),
    "PUT /api/postes/{poste}": _admin(body={"nom": "Poste 1"}),
    "DELETE /api/postes/{poste}": _admin(),
    "POST /api/postes/{poste}/commands": _write(body={"op": "identify"}),
    "GET /api/postes/{poste}/credential": _read(HIDDEN),
    "POST /api/postes/{poste}/credential": _write(),
    "DELETE /api/postes/{poste}/credential": _write(),
    "GET /api/postes/{poste}/enrolement": _read(HIDDEN, may_miss=True),
    "POST /api/postes/{poste}/enrolement": _write(),
    "DELETE /api/postes/{poste}/enrolement": _write(may_miss=True),
    "GET /api/postes/{poste}/identite": _read(HIDDEN, may_miss=True),
    "DELETE /api/postes/{poste}/identite": _write(may_miss=True),
    "GET /api/enrolement/ca": Right(PUBLIC),
    "POST /api/enrolement": Right(PUBLIC, body={"jeton": "TOKEN", "mot_de_passe": MADE, "machine": MACHINE}),
    "POST /api/enrolement/renouvellement": Right(
        PUBLIC, body={"poste": "poste-2", "mot_de_passe": MADE, "nouveau": MADE}
    ),
    "POST /api/enrolement/demandes": Right(PUBLIC, body=MACHINE),
    "GET /api/enrolement/demandes": Right(OPERATEUR, SHARED),
    "GET /api/agent/releases": _read(SHARED, poste=True),
    "GET /api/agent/releases/{sha256}": _read(SHARED, poste=True, may_miss=True),
    "POST /api/postes/{poste}/heartbeat": Right(POSTE, HIDDEN, poste=True),
    "POST /api/postes/{poste}/marquer_disponible": _write(),
    "POST /api/postes/{poste}/marquer_hors_ligne": _write(),
    "POST /api/postes/{poste}/marquer_maintenance": _write(),
    "GET /api/postes/{poste}/session_active": _read(HIDDEN),
    "PUT /api/postes/{poste}/status": _write(body={"statut": "disponible"}),
    "GET /api/sessions": _read(FILTERED),
    "POST /api/sessions": _write(body={"duree_initiale": 600, "site": "st-denis"}),
    "GET /api/sessions/actives": _read(FILTERED),
    "POST /api/sessions/bulk": _write(EACH, {"sessions": [1], "action": "terminate"}),
    "GET /api/sessions/stats": _read(FILTERED),
    "GET /api/sessions/occupation": _read(FILTERED),
    "GET /api/motifs": _read(SHARED),
    "GET /api/ancres": _admin(),
    "POST /api/sessions/validate-code": _write(body=_CODE, poste=True),
    "POST /api/sessions/validate_code": _write(body=_CODE, poste=True),
    "GET /api/sessions/{session_id}": _read(HIDDEN),
    "PUT /api/sessions/{session_id}": _write(body={"notes": "x"}),
    "DELETE /api/sessions/{session_id}": _write(),
    "POST /api/sessions/{session_id}/add_time": _write(body={"seconds": 60}),
    "POST /api/sessions/{session_id}/refuse_time": _write(),
    "POST /api/sessions/{session_id}/reprint": _write(),
    "POST /api/sessions/{session_id}/resume": _write(),
    "POST /api/sessions/{session_id}/start": _write(),
    "POST /api/sessions/{session_id}/suspend": _write(),
    "POST /api/sessions/{session_id}/swap": _write(body={"session": 2}),
    "POST /api/sessions/{session_id}/terminate": _write(),
    "GET /api/sessions/{session_id}/time_remaining": _read(HIDDEN),
    "GET /api/sessions/{session_id}/timeline": _read(HIDDEN),
    "POST /api/sessions/{session_id}/transfer": _write(body={"poste": "poste-2"}),
    "POST /api/sessions/{session_id}/undo": _write(),
    "GET /api/utilisateurs": _read(SHARED),
    "POST /api/utilisateurs": _write(SHARED, _PERSON),
    "GET /api/utilisateurs/stats": _read(SHARED),
    "GET /api/utilisateurs/{utilisateur_id}": _read(SHARED),
    "PUT /api/utilisateurs/{utilisateur_id}": _write(SHARED, {"notes": "x"}),
    "DELETE /api/utilisateurs/{utilisateur_id}": _write(SHARED),
    "GET /api/utilisateurs/{utilisateur_id}/can_create_session": _read(SHARED),
    "POST /api/utilisateurs/{utilisateur_id}/revoke_consent": _write(SHARED),
    "POST /api/utilisateurs/{utilisateur_id}/renew_consent": _write(SHARED),
    "GET /api/utilisateurs/{utilisateur_id}/sessions": _read(SHARED),
    "PUT /api/utilisateurs/{utilisateur_id}/photo": _write(SHARED, b"no picture"),
    "GET /api/utilisateurs/{utilisateur_id}/photo": _read(SHARED, may_miss=True),
    "DELETE /api/utilisateurs/{utilisateur_id}/photo": _write(SHARED, may_miss=True),
    "GET /api/utilisateurs/{utilisateur_id}/export": _write(SHARED),
    "POST /api/utilisateurs/{utilisateur_id}/erase": Right(ADMINISTRATEUR, may_miss=True),
    "POST /api/requisitions": _admin(
        body={"reference": "r", "depuis": "2026-03-01T00:00:00Z", "jusqu_a": "2026-03-02T00:00:00Z"}
    ),
    "GET /api/requisitions": _admin(),
    "GET /api/requisitions/{requisition_id}": _admin(),
    "POST /api/requisitions/{requisition_id}/approve": _admin(),
    "POST /api/requisitions/{requisition_id}/refuse": _admin(),
    "GET /api/requisitions/{requisition_id}/export": _admin(),
    "GET /api/purges": _admin(),
}
