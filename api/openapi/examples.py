"""An example of everything that travels, made from its schema and a few words that fields usually say."""

from collections.abc import Mapping
from typing import Any

WORDS: dict[str, Any] = {
    "access": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl",
    "action": "generation_code",
    "adresse": "10.0.0.1",
    "categorie": "adulte",
    "code": "ABC 234",
    "code_acces": "ABC234",
    "depuis": "2026-11-20T00:00:00Z",
    "detail": "Ce poste est déjà occupé.",
    "duree_initiale": 3600,
    "email": "marie@exemple.re",
    "emplacement": "Salle du rez-de-chaussée",
    "exceptions": {"2026-12-25": []},
    "hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "horaires": {"0": [["09:00", "12:30"], ["13:30", "18:00"]]},
    "ip_address": "10.0.0.1",
    "jusqu_a": "2026-11-20T19:59:59Z",
    "limit": 50,
    "login": "accueil",
    "mac_address": "aa:bb:cc:dd:ee:ff",
    "mot_de_passe": "une phrase longue et à soi",
    "nom": "Payet",
    "op": "message",
    "operateur": "accueil",
    "password": "une phrase longue et à soi",
    "politique": {"grace_s": 60},
    "poste": "poste-01",
    "poste_nom": "Poste 1",
    "prenom": "Marie",
    "previous_hash": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae",
    "recherche": "helene",
    "refresh": "Zm9yIGV4YW1wbGUgb25seQ",
    "role": "operateur",
    "seconds": 900,
    "site": "saint-denis",
    "slug": "poste-01",
    "statut": "active",
    "telephone": "0692 12 34 56",
    "texte": "La médiathèque ferme dans dix minutes.",
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJl",
    "utilisateur_nom": "Marie Payet",
    "version": 3,
    "zone": "Indian/Reunion",
}
"""What a field of this name says, where its schema has room for it."""
_FORMATS = {
    "date-time": "2026-11-20T08:30:00Z",
    "date": "1990-05-17",
    "time": "08:30:00",
    "uuid": "5f0c6d52-9a56-4e2f-9c29-6f0a3b0f8e11",
    "byte": "AAAA",
}
_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
}
Schema = Mapping[str, Any]


def example(schema: Schema, known: Mapping[str, Schema], name: str = "", *, whole: bool = True) -> Any:
    """What such a value may be; `whole` with the fields that may be left out, else only with those that have a word.

    `known` are the schemas that references name.
    """
    schema = resolved(schema, known)
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    for choice in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        return example(choice, known, name, whole=whole)
    kind = schema.get("type")
    if name in WORDS and _fits(WORDS[name], schema):
        return WORDS[name]
    if kind == "object":
        return _object(schema, known, whole)
    if kind == "array":
        return [example(one, known, name, whole=whole) for one in _items(schema)]
    return _plain(schema, kind)


def resolved(schema: Schema, known: Mapping[str, Schema]) -> Schema:
    """The schema that a reference names."""
    while "$ref" in schema:
        schema = known[schema["$ref"].rpartition("/")[2]]
    return schema


def _items(schema: Schema) -> list[Schema]:
    fixed = schema.get("prefixItems")
    if fixed:
        return list(fixed)
    return [schema["items"]] if isinstance(schema.get("items"), dict) and schema["items"] else []


def _object(schema: Schema, known: Mapping[str, Schema], whole: bool) -> dict[str, Any]:
    needed = schema.get("required", ())
    return {
        field: example(one, known, field, whole=whole)
        for field, one in schema.get("properties", {}).items()
        if whole or field in needed
    }


def _fits(value: Any, schema: Schema) -> bool:
    kind = schema.get("type")
    if (
        kind not in _TYPES
        or not isinstance(value, _TYPES[kind])
        or isinstance(value, bool) != (kind == "boolean")
    ):
        return False
    if isinstance(value, str):
        return "format" not in schema and len(value) <= schema.get("maxLength", len(value))
    if isinstance(value, dict):
        return "properties" not in schema
    return not isinstance(value, int) or schema.get("minimum", value) <= value <= schema.get("maximum", value)


def _text(schema: Schema) -> str:
    repeated: str = "texte" * -(-schema.get("minLength", 1) // 5)
    return repeated[: schema.get("maxLength")]


def _plain(schema: Schema, kind: str | None) -> Any:
    if kind == "string":
        return _FORMATS.get(schema.get("format", ""), _text(schema))
    if kind in ("integer", "number"):
        return max(schema.get("minimum", 1), 1) if schema.get("maximum", 1) >= 1 else schema["maximum"]
    return {"boolean": True, "null": None}.get(kind or "", "texte")
