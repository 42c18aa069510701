"""Where Alembic starts: run the versions over the connection that the store hands in."""

from __future__ import annotations

from alembic import context

from shopkeeper.data.log.schema import metadata

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
