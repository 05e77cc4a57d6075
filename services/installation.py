"""Prepares a database for this product, once per installation and harmlessly at every later start."""

from __future__ import annotations

from pymongo.database import Database

from services.catalogue import ensure_catalogue_indexes
from services.connections import Document
from services.faults import mongo_faults
from services.store import BookingStore


class GridChanged(RuntimeError):
    """The database was filled under another time grid; its claims would mean other times under this one."""


def prepare(db: Database[Document], grid_minutes: int) -> None:
    """Makes collections, validators and indexes. Raises StoreUnavailable, GridChanged."""
    _settle_grid(db, grid_minutes)
    BookingStore(db).prepare()
    ensure_catalogue_indexes(db)


def _settle_grid(db: Database[Document], grid_minutes: int) -> None:
    with mongo_faults():
        db["meta"].update_one({"_id": "grid"}, {"$setOnInsert": {"minutes": grid_minutes}}, upsert=True)
        found = db["meta"].find_one({"_id": "grid"}) or {}
    if found.get("minutes") != grid_minutes:
        raise GridChanged(
            f"This database has a grid of {found.get('minutes')} minutes; set HOLDFAST_GRID_MINUTES to that, "
            "or start with an empty database."
        )
