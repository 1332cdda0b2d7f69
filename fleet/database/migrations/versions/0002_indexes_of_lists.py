"""Lists of years: indexes in the order in which the rows are paged, ending with the id."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_BEFORE: dict[str, tuple[str, list[str], str | None]] = {
    "ix_session_debut_session": ("session", ["debut_session"], None),
    "ix_session_site_id_created_at": ("session", ["site_id", "created_at"], None),
    "ix_session_utilisateur_id_debut_session": ("session", ["utilisateur_id", "debut_session"], None),
    "ix_session_poste_id_debut_session": ("session", ["poste_id", "debut_session"], None),
    "ix_log_site_id_created_at": ("log", ["site_id", "created_at"], None),
    "ix_log_action_created_at": ("log", ["action", "created_at"], None),
    "ix_log_poste_id": ("log", ["poste_id"], "poste_id IS NOT NULL"),
}
_BRIN = {"ix_session_created_at": "session", "ix_log_created_at": "log"}
_AFTER: dict[str, tuple[str, list[str], str | None]] = {
    "ix_session_created_at_id": ("session", ["created_at", "id"], None),
    "ix_session_debut_session_id": ("session", ["debut_session", "id"], None),
    "ix_session_fin_prevue_id": ("session", ["fin_prevue", "id"], None),
    "ix_session_fin_session_id": ("session", ["fin_session", "id"], None),
    "ix_session_site_id_created_at_id": ("session", ["site_id", "created_at", "id"], None),
    "ix_session_statut_created_at_id": ("session", ["statut", "created_at", "id"], None),
    "ix_session_poste_id_debut_session_id": ("session", ["poste_id", "debut_session", "id"], None),
    "ix_session_utilisateur_id_debut_session": (
        "session",
        ["utilisateur_id", "debut_session", "site_id", "id"],
        None,
    ),
    "ix_session_operateur_id": ("session", ["operateur_id", "created_at", "id"], "operateur_id IS NOT NULL"),
    "ix_log_created_at_id": ("log", ["created_at", "id"], None),
    "ix_log_site_id_created_at_id": ("log", ["site_id", "created_at", "id"], None),
    "ix_log_action_created_at_id": ("log", ["action", "created_at", "id"], None),
    "ix_log_poste_id": ("log", ["poste_id", "created_at", "id"], "poste_id IS NOT NULL"),
    "ix_log_operateur_id": ("log", ["operateur_id", "created_at", "id"], "operateur_id IS NOT NULL"),
    "ix_log_details": ("log", ["created_at", "id"], "details <> ''"),
}


def upgrade() -> None:
    for name, table in _BRIN.items():
        op.drop_index(name, table)
    _change(_BEFORE, _AFTER)


def downgrade() -> None:
    _change(_AFTER, _BEFORE)
    for name, table in _BRIN.items():
        op.create_index(name, table, ["created_at"], postgresql_using="brin")


def _change(
    old: dict[str, tuple[str, list[str], str | None]], new: dict[str, tuple[str, list[str], str | None]]
) -> None:
    for name, (table, _, _) in old.items():
        op.drop_index(name, table)
    for name, (table, columns, where) in new.items():
        condition = None if where is None else sa.text(where)
        op.create_index(name, table, columns, postgresql_where=condition, sqlite_where=condition)
