"""Prepares a database for this product, once per installation and harmlessly at every later start."""

from __future__ import annotations

from pymongo.database import Database

from services.catalogue import ensure_catalogue_indexes
from services.connections import Document
from services.faults import mongo_faults
from services.store import BookingStore


def prepare(db: Database[Document], grid_minutes: int) -> None:
    """Makes collections, validators and indexes. Raises StoreUnavailable, GridChanged."""
    with mongo_faults():
        db["meta"].update_one({"_id": "grid"}, {"$setOnInsert": {"minutes": grid_minutes}}, upsert=True)
    store = BookingStore(db, grid_minutes)
    store.check_grid()
    store.prepare()
    ensure_catalogue_indexes(db)
