"""Two indexes hold what is counted beside what they are searched by, so that figures read nothing else."""

from collections.abc import Sequence

from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


_INDEXES = {
    "ix_session_debut_session_id": (["debut_session", "id"], ["utilisateur_id", "site_id"]),
    "ix_session_site_id_debut_session": (["site_id", "debut_session"], ["utilisateur_id"]),
}


def upgrade() -> None:
    for name, (columns, more) in _INDEXES.items():
        op.drop_index(name, "session")
        op.create_index(name, "session", columns, postgresql_include=more)


def downgrade() -> None:
    for name, (columns, _) in _INDEXES.items():
        op.drop_index(name, "session")
        op.create_index(name, "session", columns)
