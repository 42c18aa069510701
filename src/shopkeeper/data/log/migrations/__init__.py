"""Bring a database to the newest shape; costs one small query when it is there already."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy import Connection

HEAD = "0001"


def current(connection: Connection) -> str | None:
    """Return the revision of a database, None when it has no tables of ours."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    row = connection.execute(sa.text("SELECT version_num FROM alembic_version")).first()
    return None if row is None else str(row[0])


def upgrade(connection: Connection) -> None:
    """Run the missing migrations on an open connection, inside its transaction."""
    # Alembic takes a third of a second to import, so only a database that needs it pays.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
