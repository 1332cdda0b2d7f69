"""The picture of a room plan."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

from fleet.database.types import BigId, Instant

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "plan_image",
        sa.Column("site_id", BigId, nullable=False),
        sa.Column("image", sa.LargeBinary(), nullable=False),
        sa.Column("marque", sa.String(length=64), nullable=False),
        sa.Column("largeur", sa.Integer(), nullable=False),
        sa.Column("hauteur", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant, nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_plan_image_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("site_id", name=op.f("pk_plan_image")),
    )


def downgrade() -> None:
    op.drop_table("plan_image")
