"""Prepares a database for this product. Each start may do it again without harm."""

from __future__ import annotations

from pymongo.database import Database

from services.access.api_keys import ensure_key_indexes
from services.access.people import ensure_user_indexes
from services.access.wrong_tries import ensure_tries_index
from services.calendars.feeds import ensure_calendar_indexes
from services.catalogue.documents import ensure_catalogue_indexes
from services.clock import utc_now
from services.customers.store import CustomerStore
from services.ledger.series import SeriesStore
from services.ledger.store import BookingStore
from services.messages.store import MessageStore
from services.outbox.store import OutboxStore
from services.outbox.webhook_store import WebhookStore
from services.sms.store import Conversations
from services.stores.connections import Document
from services.stores.faults import mongo_faults
from services.waitlist.store import WaitlistStore


def prepare(db: Database[Document], grid_minutes: int) -> None:
    """Makes collections, validators and indexes. Raises StoreUnavailable, GridChanged."""
    with mongo_faults():
        db["meta"].update_one({"_id": "grid"}, {"$setOnInsert": {"minutes": grid_minutes}}, upsert=True)
    store = BookingStore(db, grid_minutes)
    store.check_grid()
    store.prepare()
    SeriesStore(db, store).prepare()
    WaitlistStore(db).prepare()
    CustomerStore(db).prepare()
    Conversations(db).prepare()
    OutboxStore(db, utc_now).prepare()
    MessageStore(db).prepare()
    WebhookStore(db, utc_now).prepare()
    ensure_key_indexes(db)
    ensure_user_indexes(db)
    ensure_tries_index(db)
    ensure_catalogue_indexes(db)
    ensure_calendar_indexes(db)
