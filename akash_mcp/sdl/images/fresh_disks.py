"""Images that do not start on a fresh disk as it is: its top folder holds `lost+found` and belongs to root."""

from __future__ import annotations

POSTGRES = frozenset({"postgres", "postgis", "pgvector", "timescaledb"})
"""Images whose database refuses to start in the top folder of a fresh disk, where `lost+found` lies."""
