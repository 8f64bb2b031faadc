"""How Alembic meets the station's database: with the connection that ``schema`` hands over."""

from __future__ import annotations

from alembic import context

from spondyl.adapters.station.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
