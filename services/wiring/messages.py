"""Builds what writes to customers: the words, what decides on a message, and what carries it."""

from __future__ import annotations

from models.messages import MessageChannel
from services.catalogue.documents import policies
from services.catalogue.reads import Reads
from services.ids import ManageTokens, PhoneDigests
from services.ledger.deeds import Deeds
from services.ledger.following import Following
from services.messages.composing import Composing
from services.messages.courier import MessageCourier, Post
from services.messages.desk import CHANNELS, MessageDesk
from services.messages.file_post import FilePost
from services.messages.letters import Letters
from services.messages.mail_post import MailPost
from services.messages.matters import Matters
from services.messages.no_sender import NoSender
from services.messages.opt_outs import OptOuts
from services.messages.planning import ReminderPlanning
from services.messages.reminder_plans import ReminderPlans
from services.messages.reports import Reports
from services.messages.sms_post import SmsPost
from services.messages.source import MessageSource
from services.messages.store import MessageStore
from services.messages.templates import Templates
from services.outbox.entries import Channel, Courier
from services.outbox.shelf import OutboxShelf
from services.outbox.store import OutboxStore
from services.settings import Settings
from services.texting.twilio import Account, Requests, Twilio
from services.wiring.parts import Parts

STATUS_PATH = "/sms/status"


class Messages:
    """The parts that write to customers, each built once."""

    def __init__(self, parts: Parts, shelf: OutboxShelf) -> None:
        settings = parts.settings
        secret, reads = settings.secret.get_secret_value(), Reads(parts.db)
        server = settings.mail_server
        self._parts = parts
        self._reads = reads
        self.store = MessageStore(parts.db)
        self.opt_outs = OptOuts(parts.db, PhoneDigests(secret).of, parts.clock)
        self.composing = Composing(
            booking=parts.store.find,
            waiting=parts.waitlist_store.find,
            deeds=Deeds(parts.db),
            matters=Matters(reads.policy, reads.site, reads.services),
            messages=self.store,
            opt_outs=self.opt_outs,
            letters=Letters(
                Templates(settings.templates),
                ManageTokens(secret),
                settings.public_url or None,
                server.sender if server else settings.sender,
            ),
        )
        self.posts = self._posts(settings)
        self.desk = MessageDesk(
            shelf=shelf, messages=self.store, composing=self.composing, booking=parts.store.find, clock=parts.clock
        )
        self.reports = Reports(
            self.store,
            self.opt_outs,
            parts.metrics,
            provider_requests(settings, STATUS_PATH),
        )

    def source(self) -> MessageSource:
        return MessageSource(lambda: self.store.began(list(self.posts)), self._reads.policy, self.store.erase_booking)

    def planning(self, source: MessageSource, outbox: OutboxStore) -> ReminderPlanning:
        db = self._parts.db
        return ReminderPlanning(
            source=source,
            plans=ReminderPlans(db),
            bookings=Following(db),
            outbox=outbox,
            policies=lambda: policies(db),
            policy=self._reads.policy,
            clock=self._parts.clock,
        )

    def begin(self) -> None:
        """Notes that the channels with a sender have one now, if it was not noted yet. What prepares the stores may
        know of fewer channels than the relay."""
        self.store.began(list(self.posts), ends_others=False)

    def couriers(self) -> dict[Channel, Courier]:
        return {channel: self._courier(channel) for channel in CHANNELS}

    def _courier(self, channel: MessageChannel) -> Courier:
        clock, post = self._parts.clock, self.posts.get(channel)
        if post is None:
            return NoSender(channel, clock)
        return MessageCourier(self.composing, self.store, post, clock, self._parts.crash)

    def _posts(self, settings: Settings) -> dict[MessageChannel, Post]:
        """What carries each channel. A channel without a sender has files in development, else nothing."""
        posts: dict[MessageChannel, Post] = {}
        if settings.outbox_folder is not None:
            files = FilePost(settings.outbox_folder, settings.sender, self._parts.clock)
            posts = {"sms": files, "email": files}
        token = settings.twilio_auth_token.get_secret_value()
        if settings.twilio_account_sid and token:
            provider = Twilio(Account(settings.twilio_account_sid, token, settings.twilio_api_url))
            posts["sms"] = SmsPost(provider, self.opt_outs, self._parts.metrics, _public(settings, STATUS_PATH))
        server = settings.mail_server
        if server is not None:
            posts["email"] = MailPost(server, self._parts.clock)
        return posts


def provider_requests(settings: Settings, path: str) -> Requests:
    """The requests of the provider of texts to one of our addresses."""
    return Requests(settings.twilio_auth_token.get_secret_value() or None, _public(settings, path))


def _public(settings: Settings, path: str) -> str | None:
    return f"{settings.public_url}{path}" if settings.public_url else None
