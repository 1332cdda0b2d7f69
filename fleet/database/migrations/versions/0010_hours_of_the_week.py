"""What ended days add up to by hour of the week is kept as well: a late change of a session opens that again too."""

from collections.abc import Sequence

from alembic import op

from fleet.database.migrations import closed_days

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    closed_days.forget(op.get_bind())
    closed_days.guard(op.get_bind())


def downgrade() -> None:
    op.execute("DELETE FROM bilan WHERE genre = 'semaine'")
