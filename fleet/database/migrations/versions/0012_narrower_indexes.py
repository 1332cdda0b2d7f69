"""A session without a person, or without a code, is in no index of people, or of codes: each costs every end."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_INDEXES = {
    "ix_session_code_index": ["code_index"],
    "ix_session_utilisateur_id_debut_session": ["utilisateur_id", "debut_session", "site_id", "id"],
}


def upgrade() -> None:
    for name, columns in _INDEXES.items():
        known = sa.text(f"{columns[0]} IS NOT NULL")
        op.drop_index(name, "session")
        op.create_index(name, "session", columns, postgresql_where=known, sqlite_where=known)


def downgrade() -> None:
    for name, columns in _INDEXES.items():
        op.drop_index(name, "session")
        op.create_index(name, "session", columns)
