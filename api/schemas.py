"""What bodies may say: every field with its bounds, unknown ones refused. What is absent is left as it is."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from fleet.usecases.journal import FARTHEST

DAY_S = 86_400
Seconds = Annotated[int, Meta(ge=1, le=DAY_S, description="secondes", examples=[3600])]
Delta = Annotated[
    int, Meta(ge=-DAY_S, le=DAY_S, description="secondes, négatif pour retirer", examples=[900])
]
Slug = Annotated[str, Meta(min_length=1, max_length=63, examples=["poste-01"])]
_Slug = Annotated[str, Meta(min_length=1, max_length=63, description="slug ou id")]
Ref = _Slug | Annotated[int, Meta(ge=1, le=2**53 - 1, description="id")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Notes = Annotated[str, Meta(max_length=10_000)]
Text = Annotated[str, Meta(max_length=20_000)]
Code = Annotated[str, Meta(min_length=1, max_length=32, examples=["ABC 234"])]
Token = Annotated[str, Meta(min_length=1, max_length=4096)]
Id = Annotated[int, Meta(ge=1, le=2**63 - 1)]
Password = Annotated[str, Meta(min_length=1, max_length=1000)]
NewPassword = Annotated[str, Meta(min_length=10, max_length=200)]
Totp = Annotated[str, Meta(min_length=6, max_length=8, examples=["123456"])]
Role = Annotated[str, Meta(max_length=16, examples=["operateur"])]
Instant = Annotated[
    datetime, Meta(description="RFC 3339", extra_json_schema={"format": "date-time"})
]  # msgspec says so of its own only where an offset is obligatory
Place = Annotated[float, Meta(ge=-1_000_000, le=1_000_000)]


class Body(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The root of all bodies."""

    def given(self) -> dict[str, Any]:
        """The fields that were sent."""
        return {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not UNSET}


class Login(Body, frozen=True, kw_only=True):
    """`username` is what older programs call the login; `totp` is asked of who has a second factor."""

    password: Password
    login: Annotated[str, Meta(min_length=1, max_length=64, examples=["accueil"])] | UnsetType = UNSET
    username: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    totp: Totp | None = None


class Refresh(Body, frozen=True, kw_only=True):
    """A refresh token. It can be used once."""

    refresh: Token


class PasswordChange(Body, frozen=True, kw_only=True):
    """The password that is replaced, and the new one."""

    actuel: Password
    nouveau: NewPassword


class OwnPassword(Body, frozen=True, kw_only=True):
    """One's own password, once more."""

    mot_de_passe: Password


class TotpCode(Body, frozen=True, kw_only=True):
    """What the authenticator shows. Each code is good once."""

    code: Totp


class OperateurEditBody(Body, frozen=True, kw_only=True):
    """What may change of an operator. `sites` mean nothing for an administrateur, who sees all."""

    mot_de_passe: NewPassword | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    sites: Annotated[list[Ref], Meta(max_length=1000)] | UnsetType = UNSET
    actif: bool | UnsetType = UNSET


class NewOperateurBody(Body, frozen=True, kw_only=True):
    """A member of staff with an account."""

    login: Annotated[str, Meta(min_length=1, max_length=64, examples=["marie.payet"])]
    mot_de_passe: NewPassword
    role: Role = "operateur"
    sites: Annotated[list[Ref], Meta(max_length=1000)] = []


class Ticket(Struct, frozen=True):
    """Opens one WebSocket, as `?ticket=`, within `expires_in` seconds."""

    ticket: str
    expires_in: int


class Verify(Body, frozen=True, kw_only=True):
    """An access token."""

    token: Token


class TokenPair(Struct, frozen=True, kw_only=True):
    """The access token goes into `Authorization: Bearer`; the refresh token gives the next pair, once.

    A browser that logged in by cookie is not told the refresh token: no script can read it.
    """

    access: str
    refresh: str | UnsetType = UNSET
    token_type: str = "Bearer"  # noqa: S105
    expires_in: int
    refresh_expires_at: datetime
    operateur: int
    login: str
    role: str


class Verified(Struct, frozen=True):
    """What a good access token says."""

    valide: bool
    operateur: int
    role: str
    expires_at: datetime


class NewSessionBody(Body, frozen=True, kw_only=True):
    """`site` may be left out where `poste` is named."""

    duree_initiale: Seconds
    site: Ref | None = None
    poste: Ref | None = None
    utilisateur: Id | None = None
    notes: Notes = ""


class SessionEdit(Body, frozen=True, kw_only=True):
    """Notes at any time; poste and duration while en_attente. `poste` null: any free one."""

    notes: Notes | UnsetType = UNSET
    duree_initiale: Seconds | UnsetType = UNSET
    poste: Ref | UnsetType | None = UNSET


class AddTime(Body, frozen=True, kw_only=True):
    """+15 minutes is 900."""

    seconds: Delta


class Terminate(Body, frozen=True, kw_only=True):
    """Nothing needs to be said."""


class CodeAt(Body, frozen=True, kw_only=True):
    """A code as typed, and the poste at which."""

    code: Code
    poste: Ref


class NewPosteBody(Body, frozen=True, kw_only=True):
    """A poste of a site. Its slug is its name on MQTT, for ever."""

    slug: Slug
    nom: Name
    site: Ref
    emplacement: Annotated[str, Meta(max_length=200)] = ""
    ip_address: Annotated[str, Meta(max_length=15)] | None = None
    mac_address: Annotated[str, Meta(max_length=23)] | None = None
    notes: Notes = ""
    plan_x: Place | None = None
    plan_y: Place | None = None


class PosteEdit(Body, frozen=True, kw_only=True):
    """What may change of a poste."""

    nom: Name | UnsetType = UNSET
    emplacement: Annotated[str, Meta(max_length=200)] | UnsetType = UNSET
    ip_address: Annotated[str, Meta(max_length=15)] | UnsetType | None = UNSET
    mac_address: Annotated[str, Meta(max_length=23)] | UnsetType | None = UNSET
    notes: Notes | UnsetType = UNSET
    plan_x: Place | UnsetType | None = UNSET
    plan_y: Place | UnsetType | None = UNSET


class Statut(Body, frozen=True, kw_only=True):
    """disponible, maintenance or hors_ligne; the others are observed, not chosen."""

    statut: Annotated[str, Meta(max_length=16, examples=["maintenance"])]


class CommandBody(Body, frozen=True, kw_only=True):
    """`texte` for a message, `version` and `sha256` for an update, nothing for the others.

    `retrograder`: the version may be older than the one that the poste runs.

    `quand` `retour`: a poste that is away is told when it is back, within a day.
    """

    op: Annotated[str, Meta(max_length=16, examples=["message"])]
    texte: Annotated[str, Meta(max_length=500)] | None = None
    version: Annotated[str, Meta(max_length=64)] | None = None
    sha256: Annotated[str, Meta(max_length=64)] | None = None
    retrograder: bool = False
    quand: Literal["maintenant", "retour"] = "maintenant"


class CommandSent(Struct, frozen=True):
    """The command was taken; the controller sends it now, or (`attend`) when the poste is back."""

    id: str
    poste: str
    op: str
    attend: bool


class PersonBody(Body, frozen=True, kw_only=True):
    """A member of the public. `piece_vue`: the operator saw an identity document; its number is not kept."""

    nom: Name | UnsetType = UNSET
    prenom: Name | UnsetType = UNSET
    email: Annotated[str, Meta(max_length=254)] | UnsetType | None = UNSET
    telephone: Annotated[str, Meta(max_length=30, examples=["0692 12 34 56"])] | UnsetType | None = UNSET
    date_naissance: date | UnsetType | None = UNSET
    categorie: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET
    piece_identite_type: Annotated[str, Meta(max_length=32)] | UnsetType | None = UNSET
    piece_vue: bool | UnsetType = UNSET
    consentement_rgpd: bool | UnsetType = UNSET
    notes: Notes | UnsetType = UNSET


class NewPersonBody(PersonBody, frozen=True, kw_only=True):
    """A member of the public needs a name."""

    nom: Name
    prenom: Name


Hours = Annotated[dict[str, list[tuple[str, str]]], Meta(examples=[{"0": [["09:00", "12:30"]]}])]


Justified = Annotated[
    dict[str, str],
    Meta(
        description="ce qui est demandé aux personnes, et pourquoi : le reste ne l’est pas",
        examples=[{"telephone": "prévenir quand un poste se libère"}],
    ),
]


class SiteEdit(Body, frozen=True, kw_only=True):
    """What may change of a site. `politique` changes only the rules that it names."""

    nom: Name | UnsetType = UNSET
    zone: Annotated[str, Meta(max_length=64, examples=["Indian/Reunion"])] | UnsetType = UNSET
    horaires: Hours | UnsetType = UNSET
    exceptions: Hours | UnsetType = UNSET
    politique: dict[str, Any] | UnsetType = UNSET
    champs: Justified | UnsetType = UNSET
    notice: Text | UnsetType = UNSET
    charte: Text | UnsetType = UNSET


class NewSiteBody(SiteEdit, frozen=True, kw_only=True):
    """A site needs a slug and a name."""

    slug: Slug
    nom: Name


class LogSearch(Body, frozen=True, kw_only=True):
    """As the filters of `GET /logs/`."""

    site: Ref | None = None
    actions: list[Annotated[str, Meta(max_length=32)]] = []
    session: Id | None = None
    poste: Ref | None = None
    utilisateur: Id | None = None
    operateur: Annotated[str, Meta(max_length=64)] | None = None
    depuis: Instant | None = None
    jusqu_a: Instant | None = None
    avant: Id | None = None
    apres: Id | None = None
    recherche: Annotated[str, Meta(max_length=100)] | None = None
    limit: Annotated[int, Meta(ge=1, le=200)] = 50
    offset: Annotated[int, Meta(ge=0, le=FARTHEST)] = 0
