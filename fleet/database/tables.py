"""Every table, with the constraints that hold the invariants. Names are the product's public French words.

Durations in columns that end in `_ms` are milliseconds, other durations are seconds.
"""

from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.schema import SchemaItem

from fleet.database.migrations import append_only, closed_days
from fleet.database.types import BigId, Instant, Json
from fleet.domain import actor
from fleet.domain import booking as booking_rules
from fleet.domain import delivery as delivery_rules
from fleet.domain import enrolment as enrolment_rules
from fleet.domain import poste as poste_rules
from fleet.domain import queue as queue_rules
from fleet.domain import requisition as requisition_rules
from fleet.domain import session as session_rules

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    words = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({words})", name=column)


def _partial(name: str, *columns: str, where: str, **more: Any) -> Index:
    condition = text(where)
    return Index(name, *columns, postgresql_where=condition, sqlite_where=condition, **more)


def _stamps() -> tuple[SchemaItem, ...]:
    return (
        Column("created_at", Instant, nullable=False),
        Column("updated_at", Instant, nullable=False),
        Column("version", Integer, nullable=False, server_default="0"),
    )


def _ref(column: str, target: str, *, nullable: bool = True) -> Column[int]:
    return Column(column, BigId, ForeignKey(f"{target}.id", ondelete="RESTRICT"), nullable=nullable)


site = Table(
    "site",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    Column("nom", String(100), nullable=False),
    Column("zone", String(64), nullable=False),
    Column("horaires", Json, nullable=False, server_default="{}"),
    Column("exceptions", Json, nullable=False, server_default="{}"),
    Column("politique", Json, nullable=False, server_default="{}"),
    Column("champs", Json, nullable=False, server_default="{}"),
    Column("notice", Text, nullable=False, server_default=""),
    Column("notice_version", Integer, nullable=False, server_default="1"),
    Column("charte", Text, nullable=False, server_default=""),
    Column("charte_version", Integer, nullable=False, server_default="1"),
    Column("config_rev", BigId, nullable=False, server_default="1"),
    *_stamps(),
)

# The picture under the room plan, apart from the site, so that no list reads it.
plan_image = Table(
    "plan_image",
    metadata,
    Column("site_id", BigId, ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
    Column("image", LargeBinary, nullable=False),
    Column("marque", String(64), nullable=False),
    Column("largeur", Integer, nullable=False),
    Column("hauteur", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
)

operateur = Table(
    "operateur",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("login", String(64), nullable=False, unique=True),
    Column("mot_de_passe", String(255), nullable=False),
    Column("role", String(16), nullable=False),
    Column("actif", Boolean, nullable=False, server_default=text("true")),
    Column("derniere_connexion", Instant),
    # Tokens of another generation are over. The second factor: its sealed key, since when it is asked for,
    # and the step of the last code used.
    Column("generation", Integer, nullable=False, server_default="0"),
    Column("totp_scelle", LargeBinary(64)),
    Column("totp_depuis", Instant),
    Column("totp_pas", BigId),
    *_stamps(),
    _one_of("role", actor.ROLES),
)

operateur_site = Table(
    "operateur_site",
    metadata,
    Column("operateur_id", BigId, ForeignKey("operateur.id", ondelete="CASCADE"), primary_key=True),
    Column("site_id", BigId, ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("operateur_id", BigId, ForeignKey("operateur.id", ondelete="CASCADE"), nullable=False),
    Column("family", String(32), nullable=False, index=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant),
)

# Wrong passwords by the digest of (login, source): nobody's login or address is kept here.
login_tries = Table(
    "essais_connexion",
    metadata,
    Column("key", LargeBinary(32), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", Instant, nullable=False, index=True),
    Column("blocked_until", Instant),
)

# By which a page opens its WebSocket, once: an access token does not belong into an address.
ws_ticket = Table(
    "ws_ticket",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("operateur_id", BigId, ForeignKey("operateur.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("generation", Integer, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("good_until", Instant, nullable=False),
)

utilisateur = Table(
    "utilisateur",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("nom", String(100), nullable=False),
    Column("prenom", String(100), nullable=False),
    Column("email", String(254)),
    Column("telephone", String(20)),
    Column("date_naissance", Date),
    Column("categorie", String(64)),
    Column("piece_identite_type", String(32)),
    _ref("piece_vue_par", "operateur"),
    Column("photo", String(64)),
    Column("consentement_rgpd", Boolean, nullable=False, server_default=text("false")),
    Column("date_consentement", Instant),
    Column("version_notice", Integer),
    _ref("cree_par", "operateur"),
    Column("notes", Text, nullable=False, server_default=""),
    Column("recherche", String(600), nullable=False, server_default="", index=True),
    *_stamps(),
    Index("ix_utilisateur_nom_prenom", "nom", "prenom"),
)

# Apart from the person, so that no list reads it; in the database, so that it is erased and backed up with the rest.
photo = Table(
    "photo",
    metadata,
    Column("utilisateur_id", BigId, ForeignKey("utilisateur.id", ondelete="CASCADE"), primary_key=True),
    Column("image", LargeBinary, nullable=False),
    Column("vignette", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)

poste = Table(
    "poste",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("slug", String(63), nullable=False, unique=True),
    _ref("site_id", "site", nullable=False),
    Column("nom", String(100), nullable=False),
    Column("emplacement", String(200), nullable=False, server_default=""),
    Column("ip_address", String(15)),
    Column("mac_address", String(17), unique=True),
    Column("notes", Text, nullable=False, server_default=""),
    Column("plan_x", Float),
    Column("plan_y", Float),
    Column("statut_voulu", String(16), nullable=False, server_default=poste_rules.EN_SERVICE),
    *_stamps(),
    Column("nom_tri", Text, nullable=False, server_default=""),
    UniqueConstraint("site_id", "nom"),
    UniqueConstraint("site_id", "ip_address"),
    _one_of("statut_voulu", poste_rules.WANTED),
)

# By what a program that stands in for a poste is known over HTTP. It is nothing to the broker.
poste_credential = Table(
    "poste_cle",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    _ref("operateur_id", "operateur"),
    Column("created_at", Instant, nullable=False),
    Column("derniere_utilisation", Instant),
)

# Tokens by which a machine becomes a poste: good once, one open per poste.
enrolment = Table(
    "enrolement",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), nullable=False),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("statut", String(16), nullable=False, server_default=enrolment_rules.OUVERT),
    _ref("operateur_id", "operateur"),
    Column("created_at", Instant, nullable=False),
    Column("expire_a", Instant, nullable=False),
    Column("fini_a", Instant),
    _one_of("statut", enrolment_rules.STATUTS),
    CheckConstraint("(statut = 'ouvert') = (fini_a IS NULL)", name="fini"),
    _partial("uq_enrolement_ouvert", "poste_id", where="statut = 'ouvert'", unique=True),
)

# By what a poste is known at the broker, as the broker's file of passwords keeps it. Without one it is revoked.
identity = Table(
    "identite",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("mot_de_passe", String(255)),
    Column("enrolement_id", BigId, ForeignKey("enrolement.id", ondelete="SET NULL")),
    Column("machine", Json),
    Column("created_at", Instant, nullable=False),
    Column("renouvelee_a", Instant),
    Column("revoquee_a", Instant),
    CheckConstraint("(mot_de_passe IS NULL) = (revoquee_a IS NOT NULL)", name="revoquee"),
)

# Machines that ask to become a poste. It gives them nothing: somebody opens an enrolment, or not.
enrolment_request = Table(
    "demande_enrolement",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("empreinte", String(64), nullable=False, unique=True),
    Column("machine", Json, nullable=False),
    Column("ip_address", String(45)),
    Column("fois", Integer, nullable=False, server_default="1"),
    Column("created_at", Instant, nullable=False),
    Column("vue_a", Instant, nullable=False, index=True),
)

slug_retired = Table("slug_retired", metadata, Column("slug", String(63), primary_key=True))

# What a poste should do, numbered: `rev` rises with each change and is never reset, not even by a new session.
# The row is the lock of the poste. `sent_rev < rev` is the outbox: what the broker has not acknowledged yet.
desired = Table(
    "desired",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("site_id", BigId, nullable=False),
    Column("rev", BigId, nullable=False, server_default="1"),
    Column("reason", String(64)),
    Column("sent_rev", BigId, nullable=False, server_default="0"),
    Column("applied_rev", BigId, nullable=False, server_default="0"),
    Column("needs_care", String(64)),
    _partial("ix_desired_unsent", "site_id", where="sent_rev < rev"),
)

# What was heard of a poste. Apart from it, so that heartbeats touch neither its ETag nor its lock.
presence = Table(
    "presence",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("online", Boolean),
    Column("boot", String(64)),
    Column("connection", BigId, nullable=False, server_default="0"),
    Column("since", Instant),
    Column("derniere_connexion", Instant),
    Column("phase", String(16)),
    Column("rev", BigId, nullable=False, server_default="0"),
    Column("remaining_ms", BigId),
    Column("idle_s", Integer, nullable=False, server_default="0"),
    Column("load", Float, nullable=False, server_default="0"),
    Column("version_client", String(64)),
    Column("info", Json),
)

# Codes that were made together for people without a name.
batch = Table(
    "lot",
    metadata,
    Column("id", BigId, primary_key=True),
    _ref("site_id", "site", nullable=False),
    _ref("operateur_id", "operateur"),
    Column("nombre", Integer, nullable=False),
    Column("duree_s", Integer, nullable=False),
    Column("code_expire_a", Instant, nullable=False),
    Column("notes", Text, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
    Index("ix_lot_site_id_created_at", "site_id", "created_at"),
)

session = Table(
    "session",
    metadata,
    Column("id", BigId, primary_key=True),
    _ref("site_id", "site", nullable=False),
    _ref("poste_id", "poste"),
    _ref("utilisateur_id", "utilisateur"),
    _ref("operateur_id", "operateur"),
    Column("categorie", String(64)),
    Column("statut", String(16), nullable=False),
    Column("motif_fin", String(64)),
    Column("duree_initiale_ms", BigId, nullable=False),
    Column("temps_ajoute_ms", BigId, nullable=False, server_default="0"),
    Column("debut_session", Instant),
    Column("fin_prevue", Instant),
    Column("confirmer_avant", Instant),
    Column("suspendue_depuis", Instant),
    Column("suspendue_jusqu_a", Instant),
    Column("restant_ms", BigId),
    Column("fin_session", Instant),
    Column("code_index", LargeBinary(32)),
    Column("code_scelle", LargeBinary(64)),
    Column("code_expire_a", Instant),
    Column("boot", String(64)),
    Column("poste_impose", Boolean, nullable=False, server_default=text("false")),
    _ref("lot_id", "lot"),
    Column("notes", Text, nullable=False, server_default=""),
    *_stamps(),
    _one_of("statut", session_rules.STATUTS),
    CheckConstraint("duree_initiale_ms > 0", name="duree_initiale"),
    CheckConstraint("statut <> 'active' OR (fin_prevue IS NOT NULL AND poste_id IS NOT NULL)", name="active"),
    CheckConstraint("statut <> 'suspendue' OR restant_ms IS NOT NULL", name="suspendue"),
    _partial("uq_session_poste", "poste_id", where="statut IN ('active', 'suspendue')", unique=True),
    _partial(
        "uq_session_utilisateur", "utilisateur_id", where="statut IN ('active', 'suspendue')", unique=True
    ),
    _partial(
        "uq_session_code", "code_index", where="statut IN ('en_attente', 'active', 'suspendue')", unique=True
    ),
    _partial("ix_session_attente", "site_id", "code_expire_a", where="statut = 'en_attente'"),
    _partial("ix_session_en_cours", "site_id", where="statut IN ('active', 'suspendue')"),
    _partial("ix_session_lot_id", "lot_id", where="lot_id IS NOT NULL"),
    _partial("ix_session_code_index", "code_index", where="code_index IS NOT NULL"),
    # Each ends with the id, by which lists are paged: they count and skip without a look at the rows.
    Index("ix_session_created_at_id", "created_at", "id"),
    # With who came and where, to be counted.
    Index(
        "ix_session_debut_session_id", "debut_session", "id", postgresql_include=["utilisateur_id", "site_id"]
    ),
    Index("ix_session_site_id_created_at_id", "site_id", "created_at", "id"),
    Index("ix_session_statut_created_at_id", "statut", "created_at", "id"),
    Index("ix_session_poste_id_debut_session_id", "poste_id", "debut_session", "id"),
    Index(
        "ix_session_site_id_debut_session", "site_id", "debut_session", postgresql_include=["utilisateur_id"]
    ),
    _partial(
        "ix_session_utilisateur_id_debut_session",
        "utilisateur_id",
        "debut_session",
        "site_id",
        "id",
        where="utilisateur_id IS NOT NULL",
    ),
    # With where, to be searched at one site: the planner expects more of some operators than of a site.
    _partial(
        "ix_session_operateur_id",
        "operateur_id",
        "created_at",
        "id",
        where="operateur_id IS NOT NULL",
        postgresql_include=["site_id"],
    ),
)

# The ledger of a session: what was granted, append-only. `credit_panne` gives back time that ran while the
# poste could not be used; `cle` makes each outage count once. `rev` is the one that told the poste: what a poste
# measured under an older one does not know of this line.
grant = Table(
    "octroi",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("session_id", BigId, ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    Column("genre", String(16), nullable=False),
    Column("montant_ms", BigId, nullable=False),
    Column("motif", String(64)),
    Column("cle", String(200)),
    Column("rev", BigId),
    _ref("operateur_id", "operateur"),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("session_id", "cle"),
    _one_of("genre", ("initial", "ajout", "retrait", "credit_panne")),
)

# A session that went on at another poste. `rev` is that of both postes: higher than all that either held, so that the
# lines of the ledger stay in order. `ecart_ms` is what the poste that was left measured otherwise than we had
# reckoned, and `ecart_rev` the rev that told the other one.
transfer = Table(
    "transfert",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("session_id", BigId, ForeignKey("session.id", ondelete="CASCADE"), nullable=False, index=True),
    _ref("de_poste_id", "poste", nullable=False),
    _ref("vers_poste_id", "poste", nullable=False),
    Column("rev", BigId, nullable=False),
    Column("restant_ms", BigId, nullable=False),
    Column("mesure", Boolean, nullable=False, server_default=text("false")),
    Column("ecart_ms", BigId, nullable=False, server_default="0"),
    Column("ecart_rev", BigId),
    Column("created_at", Instant, nullable=False),
)

# Who waits for the next free poste, in the order of `rang`; the ticket's number begins anew each day.
queue = Table(
    "attente",
    metadata,
    Column("id", BigId, primary_key=True),
    _ref("site_id", "site", nullable=False),
    Column("jour", Date, nullable=False),
    Column("numero", Integer, nullable=False),
    Column("rang", BigId, nullable=False),
    _ref("utilisateur_id", "utilisateur"),
    Column("prenom", String(100), nullable=False, server_default=""),
    Column("duree_s", Integer, nullable=False),
    Column("statut", String(16), nullable=False, server_default=queue_rules.EN_FILE),
    _ref("poste_id", "poste"),
    Column("appelee_a", Instant),
    Column("expire_a", Instant),
    Column("session_id", BigId, ForeignKey("session.id", ondelete="SET NULL")),
    *_stamps(),
    UniqueConstraint("site_id", "jour", "numero"),
    _one_of("statut", queue_rules.STATUTS),
    CheckConstraint("statut <> 'appelee' OR (poste_id IS NOT NULL AND expire_a IS NOT NULL)", name="appelee"),
    _partial("uq_attente_poste", "poste_id", where="statut = 'appelee'", unique=True),
    _partial(
        "uq_attente_utilisateur", "utilisateur_id", where="statut IN ('en_file', 'appelee')", unique=True
    ),
    _partial("ix_attente_file", "site_id", "rang", where="statut IN ('en_file', 'appelee')"),
)

# A poste that is promised from an instant to another. Ranges of one number stand for the number: an extension of
# PostgreSQL would be needed else. SQLite has one writer at a time: there the insert itself looks for an overlap.
booking = Table(
    "reservation",
    metadata,
    Column("id", BigId, primary_key=True),
    _ref("site_id", "site", nullable=False),
    _ref("poste_id", "poste", nullable=False),
    _ref("utilisateur_id", "utilisateur"),
    _ref("operateur_id", "operateur"),
    Column("session_id", BigId, ForeignKey("session.id", ondelete="SET NULL")),
    Column("nom", String(100), nullable=False, server_default=""),
    Column("debut", Instant, nullable=False),
    Column("fin", Instant, nullable=False),
    Column("statut", String(16), nullable=False, server_default=booking_rules.PREVUE),
    Column("notes", Text, nullable=False, server_default=""),
    *_stamps(),
    _one_of("statut", booking_rules.STATUTS),
    CheckConstraint("fin > debut", name="fin"),
    ExcludeConstraint(
        (text("int8range(poste_id, poste_id, '[]')"), "&&"),
        (text("tstzrange(debut, fin)"), "&&"),
        where=text("statut = 'prevue'"),
        name="ex_reservation_poste",
    ).ddl_if(dialect="postgresql"),
    _partial("ix_reservation_prevue", "poste_id", "debut", where="statut = 'prevue'"),
    Index("ix_reservation_site_id_debut", "site_id", "debut"),
)

# Every version of the texts of a site: a consent names the one that was shown.
site_text = Table(
    "texte_site",
    metadata,
    Column("site_id", BigId, ForeignKey("site.id", ondelete="RESTRICT"), primary_key=True),
    Column("genre", String(16), primary_key=True),
    Column("texte_version", Integer, primary_key=True, autoincrement=False),
    Column("texte", Text, nullable=False),
    _ref("operateur_id", "operateur"),
    Column("created_at", Instant, nullable=False),
    _one_of("genre", ("notice", "charte")),
)

tries = Table(
    "essais",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("last_at", Instant),
    Column("blocked_until", Instant),
    Column("aggregated", Integer, nullable=False, server_default="0"),
)

# Requests of postes with their answers: a repeated request gets the same answer.
request = Table(
    "request",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("request_id", String(64), primary_key=True),
    Column("session_id", BigId),
    Column("answer", Json, nullable=False),
    Column("created_at", Instant, nullable=False, index=True),
)

extension = Table(
    "demande",
    metadata,
    Column("id", BigId, primary_key=True),
    _ref("site_id", "site", nullable=False),
    Column("session_id", BigId, ForeignKey("session.id", ondelete="CASCADE"), nullable=False),
    Column("secondes", Integer, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("statut", String(16), nullable=False, server_default="ouverte"),
    Column("reponse_a_envoyer", Boolean, nullable=False, server_default=text("false")),
    _ref("operateur_id", "operateur"),
    Column("expire_a", Instant, nullable=False),
    Column("created_at", Instant, nullable=False),
    UniqueConstraint("session_id", "request_id"),
    _one_of("statut", ("ouverte", "accordee", "refusee", "perimee")),
    _partial("uq_demande_ouverte", "session_id", where="statut = 'ouverte'", unique=True),
    _partial("ix_demande_a_envoyer", "site_id", where="reponse_a_envoyer"),
)

# Orders. One that waits for a poste which is away (`attend`) gets its `boot` when that is back, until `expire_a`.
command = Table(
    "commande",
    metadata,
    Column("id", String(64), primary_key=True),
    _ref("site_id", "site", nullable=False),
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), nullable=False),
    Column("op", String(16), nullable=False),
    Column("args", Json, nullable=False, server_default="{}"),
    Column("boot", String(64)),
    Column("issued_at", Instant, nullable=False),
    Column("ttl_ms", BigId, nullable=False),
    Column("expire_a", Instant),
    Column("statut", String(16), nullable=False, server_default="a_envoyer"),
    Column("motif", String(64)),
    _ref("operateur_id", "operateur"),
    Column("updated_at", Instant, nullable=False),
    _partial("ix_commande_a_envoyer", "site_id", where="statut = 'a_envoyer'"),
    _partial("ix_commande_attend", "site_id", where="statut = 'attend'"),
    Index("ix_commande_poste_id_issued_at", "poste_id", "issued_at"),
)

# What postes told, once each, though they repeat it until it is noted.
poste_event = Table(
    "poste_event",
    metadata,
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE"), primary_key=True),
    Column("boot", String(64), primary_key=True),
    Column("n", BigId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("session_id", BigId),
    Column("happened_at", Instant, nullable=False, index=True),
    Column("payload", Json, nullable=False),
)

log = Table(
    "log",
    metadata,
    Column("id", BigId, primary_key=True),
    # No foreign key: history outlives what it tells of, and is not to look at each site again for each line.
    Column("site_id", BigId),
    Column("numero", BigId, nullable=False),
    Column("action", String(32), nullable=False),
    Column("operateur_id", BigId),
    Column("session_id", BigId),
    Column("poste_id", BigId),
    Column("utilisateur_id", BigId),
    Column("details", Text, nullable=False, server_default=""),
    Column("metadata", Json, nullable=False, server_default="{}"),
    Column("personal", Json),
    Column("salt", LargeBinary(16)),
    Column("commitment", LargeBinary(32)),
    Column("created_at", Instant, nullable=False),
    Column("previous_hash", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    # In the order in which the trail is read, whatever is asked of it.
    Index("ix_log_created_at_id", "created_at", "id"),
    Index("ix_log_site_id_created_at_id", "site_id", "created_at", "id"),
    Index("ix_log_action_created_at_id", "action", "created_at", "id"),
    Index("ix_log_session_id", "session_id"),
    _partial("ix_log_poste_id", "poste_id", "created_at", "id", where="poste_id IS NOT NULL"),
    _partial("ix_log_operateur_id", "operateur_id", "created_at", "id", where="operateur_id IS NOT NULL"),
    _partial("ix_log_utilisateur_id", "utilisateur_id", where="utilisateur_id IS NOT NULL"),
    _partial("ix_log_details", "created_at", "id", where="details <> ''"),
    Index("uq_log_chain", text("coalesce(site_id, 0)"), "numero", unique=True),
)

# The last link of each site's audit chain (0: the deployment itself). Locked last in a transaction.
chain_head = Table(
    "chain_head",
    metadata,
    Column("chain", BigId, primary_key=True, autoincrement=False),
    Column("numero", BigId, nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
)

# Which part of a chain is in a file, and where the chain was at both ends of it. What is purged is only there.
log_archive = Table(
    "journal_archive",
    metadata,
    Column("chain", BigId, primary_key=True, autoincrement=False),
    Column("premier", BigId, primary_key=True, autoincrement=False),
    Column("dernier", BigId, nullable=False),
    Column("previous_hash", LargeBinary(32), nullable=False),
    Column("hash", LargeBinary(32), nullable=False),
    Column("fichier", String(200), nullable=False),
    Column("sha256", LargeBinary(32), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("purge_a", Instant),
)

lease = Table(
    "lease",
    metadata,
    Column("site_id", BigId, ForeignKey("site.id", ondelete="CASCADE"), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("term", BigId, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

# What was answered to requests that carried an Idempotency-Key, sealed: an answer may hold a code.
answered = Table(
    "reponse",
    metadata,
    Column("demandeur", String(64), primary_key=True),
    Column("cle", String(255), primary_key=True),
    Column("empreinte", LargeBinary(32), nullable=False),
    Column("statut", Integer),
    Column("corps", LargeBinary),
    Column("created_at", Instant, nullable=False, index=True),
)

# Each run of a job. `slot` is what makes it one: the local date or month of a daily or monthly one, anything else
# for a run that somebody asked for. A run is alive while `seen_at` is fresh; another controller takes a dead one up.
job_run = Table(
    "job_run",
    metadata,
    Column("job", String(32), primary_key=True),
    Column("slot", String(32), primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("seen_at", Instant),
    Column("finished_at", Instant),
    Column("holder", String(64)),
    Column("ok", Boolean),
    Column("outcome", Json),
    _ref("operateur_id", "operateur"),
    _partial(
        "uq_job_run_running", "job", where="started_at IS NOT NULL AND finished_at IS NULL", unique=True
    ),
    Index("ix_job_run_job_created_at", "job", "created_at"),
)

# What a human should look at. One row while it lasts, by its `cle`.
alert = Table(
    "alerte",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("genre", String(32), nullable=False),
    Column("cle", String(200), nullable=False),
    Column("site_id", BigId, ForeignKey("site.id", ondelete="CASCADE")),
    Column("poste_id", BigId, ForeignKey("poste.id", ondelete="CASCADE")),
    Column("details", Json, nullable=False, server_default="{}"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("resolue_a", Instant),
    Column("acquittee_a", Instant),
    _ref("acquittee_par", "operateur"),
    _partial("uq_alerte_ouverte", "cle", where="resolue_a IS NULL", unique=True),
    Index("ix_alerte_created_at", "created_at"),
)

report = Table(
    "rapport",
    metadata,
    Column("genre", String(16), primary_key=True),
    Column("jour", Date, primary_key=True),
    Column("contenu", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
)

# What the ended days of a site add up to, one by one and in longer spans: see `fleet.database.rollups`. Site 0 is the
# deployment itself. In the order of the index the next span, the longest first, is one look away.
bilan = Table(
    "bilan",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("genre", String(16), nullable=False),
    Column("site_id", BigId, nullable=False),
    Column("depuis", Instant, nullable=False),
    Column("jusqu_a", Instant, nullable=False),
    Column("zone", String(64), nullable=False),
    Column("sommes", Text, nullable=False),
    Index("uq_bilan_depuis", "genre", "site_id", "depuis", text("jusqu_a DESC"), "zone", unique=True),
)

# What leaves by e-mail or webhook, at least once. `cible` is empty until a controller has said who is told; it is a
# digest, because an address of a webhook may be a secret. Due when `apres` is past; `preneur` is trying it just now.
delivery = Table(
    "envoi",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("genre", String(16), nullable=False),
    Column("alerte_id", BigId, ForeignKey("alerte.id", ondelete="CASCADE"), index=True),
    Column("rapport_genre", String(16)),
    Column("rapport_jour", Date),
    Column("cible", String(32)),
    Column("statut", String(16), nullable=False, server_default=delivery_rules.A_ENVOYER),
    Column("essais", Integer, nullable=False, server_default="0"),
    Column("apres", Instant, nullable=False),
    Column("preneur", String(64)),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    ForeignKeyConstraint(
        ["rapport_genre", "rapport_jour"],
        ["rapport.genre", "rapport.jour"],
        ondelete="CASCADE",
        name="fk_envoi_rapport",
    ),
    _one_of("genre", delivery_rules.GENRES),
    _one_of("statut", delivery_rules.STATUTS),
    _partial("ix_envoi_a_envoyer", "apres", where="statut = 'a_envoyer'"),
)

# Certificates: what a rule or a person's wish has erased, and when. Never whose it was.
purge = Table(
    "purge",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("classe", String(32), nullable=False),
    Column("avant", Instant),
    Column("nombre", BigId, nullable=False),
    Column("details", Json, nullable=False, server_default="{}"),
    _ref("operateur_id", "operateur"),
    Column("created_at", Instant, nullable=False, index=True),
)

# What a judge or the police may ask for. Who it is about may be forgotten meanwhile: that is no reference.
requisition = Table(
    "requisition",
    metadata,
    Column("id", BigId, primary_key=True),
    Column("reference", String(200), nullable=False),
    Column("depuis", Instant, nullable=False),
    Column("jusqu_a", Instant, nullable=False),
    _ref("site_id", "site"),
    _ref("poste_id", "poste"),
    Column("utilisateur_id", BigId),
    Column("statut", String(16), nullable=False, server_default=requisition_rules.DEMANDEE),
    _ref("demandee_par", "operateur", nullable=False),
    _ref("decidee_par", "operateur"),
    Column("decidee_a", Instant),
    Column("valable_jusqu_a", Instant, nullable=False),
    Column("remises", Integer, nullable=False, server_default="0"),
    Column("created_at", Instant, nullable=False),
    _one_of("statut", requisition_rules.KEPT),
    CheckConstraint(
        "statut <> 'approuvee' OR (decidee_par IS NOT NULL AND decidee_par <> demandee_par)",
        name="deux_personnes",
    ),
)

# The trail and the ledger are only added to: see there for what is allowed.
event.listen(metadata, "after_create", lambda _metadata, connection, **_: append_only.guard(connection))
event.listen(metadata, "after_create", lambda _metadata, connection, **_: closed_days.guard(connection))
