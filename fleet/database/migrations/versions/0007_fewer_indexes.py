"""Two indexes of sessions cost every change of an end, and served the order of two lists that nobody reads."""

from collections.abc import Sequence

from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None

_INDEXES = {
    "ix_session_fin_prevue_id": ["fin_prevue", "id"],
    "ix_session_fin_session_id": ["fin_session", "id"],
}


def upgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, "session")


def downgrade() -> None:
    for name, columns in _INDEXES.items():
        op.create_index(name, "session", columns)
