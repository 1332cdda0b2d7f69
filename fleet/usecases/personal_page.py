"""What is known of a person, as that person reads it: the page beside the exact JSON."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from fleet.domain import written
from fleet.usecases import printing

_Row = Mapping[str, Any]
_PARTS = {
    "personne": "Ce qui est connu de vous",
    "sessions": "Vos sessions",
    "temps_accorde": "Le temps qui vous a été accordé",
    "transferts": "Vos changements de poste",
    "demandes_temps": "Le temps que vous avez demandé",
    "reservations": "Vos réservations",
    "attente": "Vos tickets d’attente",
    "journal": "Ce que le journal dit de vous",
}
_PERSON = {
    "id": "Numéro de la fiche",
    "nom": "Nom",
    "prenom": "Prénom",
    "email": "Adresse électronique",
    "telephone": "Téléphone",
    "date_naissance": "Date de naissance",
    "categorie": "Catégorie",
    "piece_identite_type": "Pièce d’identité présentée",
    "piece_vue_par": "Pièce vue par l’opérateur n°",
    "consentement_rgpd": "Consentement donné",
    "date_consentement": "Date du consentement",
    "version_notice": "Version de la notice d’information",
    "cree_par": "Fiche créée par l’opérateur n°",
    "notes": "Notes",
    "created_at": "Fiche créée le",
    "updated_at": "Fiche modifiée le",
}
_COLUMNS = {
    "id": "Numéro",
    "site": "Lieu",
    "poste": "Poste",
    "statut": "Statut",
    "motif_fin": "Motif de fin",
    "debut_session": "Début",
    "fin_session": "Fin",
    "debut": "Début",
    "fin": "Fin",
    "session_id": "Session n°",
    "genre": "Genre",
    "montant_ms": "Durée",
    "secondes": "Durée",
    "de": "Poste quitté",
    "vers": "Poste pris",
    "motif": "Motif",
    "nom": "Nom",
    "prenom": "Prénom",
    "notes": "Notes",
    "action": "Action",
    "details": "Détails",
    "created_at": "Enregistré le",
    "fuseau": "Fuseau horaire",
}
_CODES = {
    "initial": "Temps de départ",
    "ajout": "Temps ajouté",
    "retrait": "Temps retiré",
    "credit_panne": "Temps rendu après une panne",
    "modification": "Durée modifiée à l’accueil",
    "en_file": "en attente",
    "appelee": "appelé",
    "servie": "servi",
    "abandonnee": "abandonné",
    "absente": "non venu",
    "prevue": "prévue",
    "honoree": "honorée",
    "annulee": "annulée",
    "ouverte": "sans réponse",
    "accordee": "accordée",
    "refusee": "refusée",
    "perimee": "restée sans réponse",
}
"""Words for the kinds of time granted, and the statuts of bookings, tickets and requests for time."""

_UNITS = {"montant_ms": 1000, "secondes": 1}
"""How many units of a column are a second."""


def page(known: Mapping[str, Any]) -> str:
    """What is known, whole: `perimetre` says of which sites, each row its zone (`fuseau`)."""
    zones = {row["fuseau"] for name in _PARTS for row in known[name]}
    parts = [printing.paragraph(_scope(known["perimetre"]))]
    is_one = len(zones) == 1
    if is_one:
        parts.append(printing.paragraph(f"Fuseau horaire des heures\u202f: {written.zone(*zones)}."))
    for name, title in _PARTS.items():
        table = _person(known[name][0]) if name == "personne" else _table(known[name], with_zone=not is_one)
        parts += [printing.heading(title), table or printing.paragraph("Rien.")]
    return printing.page("Vos données", parts)


def _scope(scope: Mapping[str, Any]) -> str:
    if scope["complet"]:
        return "Cet export contient tout ce qui est connu de vous, dans tous les lieux."
    places = ", ".join(one["nom"] for one in scope["sites"]) or "aucun"
    return (
        f"Cet export est limité à votre fiche et aux lieux de l’opérateur qui l’a fait\u202f: {places}. "
        "D’autres lieux peuvent avoir des données sur vous\u202f: un administrateur peut vous remettre l’export "
        "complet."
    )


def _person(person: _Row) -> str:
    rows = [(title, _cell(name, person[name], person["fuseau"])) for name, title in _PERSON.items()]
    return printing.table("", (), rows)


def _table(rows: Sequence[_Row], *, with_zone: bool) -> str:
    if not rows:
        return ""
    shown = [name for name in rows[0] if with_zone or name != "fuseau"]
    cells = ([_cell(name, row[name], row["fuseau"]) for name in shown] for row in rows)
    return printing.table("", [_COLUMNS[name] for name in shown], cells)


def _cell(name: str, value: Any, zone: str) -> str:
    if value is None or value == "":
        return written.NOTHING
    if isinstance(value, bool):
        return written.yes_no(value)
    if isinstance(value, datetime):
        return written.instant(value, zone)
    if isinstance(value, date):
        return written.day(value)
    if name in _UNITS:
        return written.duration(value / _UNITS[name])
    return _words(name, str(value))


def _words(name: str, said: str) -> str:
    if name in ("genre", "statut", "motif") and said in _CODES:
        return _CODES[said]
    words = {
        "statut": written.statut,
        "motif": written.reason,
        "motif_fin": written.reason,
        "action": written.action,
        "fuseau": written.zone,
    }
    return words[name](said) if name in words else said
