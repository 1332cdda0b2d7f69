"""How the schema came to be, revision by revision. Read by Alembic; run by `fleet.database.schema`."""
