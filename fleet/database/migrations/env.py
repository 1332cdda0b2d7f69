"""What Alembic runs. The connection, its transaction and its lock come from `fleet.database.schema`."""

from alembic import context

from fleet.database.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=context.config.attributes["connection"].dialect.name == "sqlite",
)
with context.begin_transaction():
    context.run_migrations()
