"""The settings of an installation. Only this module reads the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class StoreTimeouts(BaseSettings):
    """How long, in seconds, the stores may take.

    With the defaults every request gets its answer within two seconds, whatever is down. A request ends its calls to
    MongoDB after 1.3 s, and 0.5 s later where pymongo seeks a primary. A call to Redis begins in the first four fifths
    of that time, so it ends after 1.74 s. After a stalled call to Redis 0.6 s are left for a write to MongoDB.

    redis_connect_seconds: to accept a connection; also for each question to a Sentinel, or about a cluster's layout.
    redis_seconds: to answer a command.
    mongo_connect_seconds: to find a primary, and to connect to it.
    mongo_seconds: for one operation with all its retries.
    request_seconds: for all operations of one request in MongoDB, from the start of the request.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    redis_connect_seconds: float = Field(0.3, gt=0, le=10, validation_alias="HOLDFAST_REDIS_CONNECT_SECONDS")
    redis_seconds: float = Field(0.7, gt=0, le=10, validation_alias="HOLDFAST_REDIS_SECONDS")
    mongo_connect_seconds: float = Field(0.9, gt=0, le=10, validation_alias="HOLDFAST_MONGO_CONNECT_SECONDS")
    mongo_seconds: float = Field(1.2, gt=0, le=10, validation_alias="HOLDFAST_MONGO_SECONDS")
    request_seconds: float = Field(1.3, gt=0, le=10, validation_alias="HOLDFAST_REQUEST_SECONDS")


DEFAULTS = StoreTimeouts.model_construct()
"""The time-outs of an installation that sets none."""


class StoreSettings(StoreTimeouts):
    """The addresses of the stores."""

    redis_url: str = Field("redis://127.0.0.1:6379/0", validation_alias="REDIS_URL")
    mongo_url: str = Field("mongodb://127.0.0.1:27017/?replicaSet=rs0", validation_alias="MONGO_URL")
    mongo_db: str = Field("holdfast", validation_alias="HOLDFAST_MONGO_DB")


class ConnectionSettings(BaseSettings):
    """What a client's connection is granted, and who stands between the client and us."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    trusted_proxies: int = Field(0, ge=0, le=10, validation_alias="HOLDFAST_TRUSTED_PROXIES")
    header_seconds: float = Field(10, gt=0, le=600, validation_alias="HOLDFAST_HEADER_SECONDS")
    body_seconds: float = Field(10, gt=0, le=600, validation_alias="HOLDFAST_BODY_SECONDS")
    keyless_connections: int = Field(256, ge=1, validation_alias="HOLDFAST_KEYLESS_CONNECTIONS")


class MailServer(NamedTuple):
    """A mail server. tls: from the first byte on; else STARTTLS where the server offers it. user: empty for none.
    sender: the address that e-mails come from."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str


class MessageSettings(BaseSettings):
    """How messages to customers leave, and what stands in them. What is not set does not leave.

    smtp_url: smtp://user:password@host:587?from=visits@example.com, or smtps:// for TLS from the first byte on.
    public_url: where customers reach this installation. templates: the folder of the orgs' own templates.
    outbox_folder: for development: where messages without a sender are written to as files.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True, populate_by_name=True)

    twilio_account_sid: str = Field("", validation_alias="TWILIO_ACCOUNT_SID")
    twilio_auth_token: SecretStr = Field(SecretStr(""), validation_alias="TWILIO_AUTH_TOKEN")
    twilio_api_url: str = Field("https://api.twilio.com", validation_alias="HOLDFAST_TWILIO_API_URL")
    smtp_url: SecretStr = Field(SecretStr(""), validation_alias="HOLDFAST_SMTP_URL")
    public_url: str = Field("", validation_alias="HOLDFAST_PUBLIC_URL")
    templates: Path | None = Field(None, validation_alias="HOLDFAST_TEMPLATES")
    outbox_folder: Path | None = Field(None, validation_alias="HOLDFAST_OUTBOX_FOLDER")

    @field_validator("templates", "outbox_folder", mode="before")
    @classmethod
    def _no_folder(cls, value: object) -> object:
        return value or None

    @field_validator("public_url", "twilio_api_url")
    @classmethod
    def _whole_address(cls, value: str) -> str:
        if value and not value.startswith(("https://", "http://")):
            raise ValueError(
                "HOLDFAST_PUBLIC_URL and others must be whole addresses, such as https://visits.example.com."
            )
        return value.rstrip("/")

    @field_validator("smtp_url")
    @classmethod
    def _smtp_address(cls, value: SecretStr) -> SecretStr:
        url = urlsplit(value.get_secret_value())
        if url.geturl() and (url.scheme not in ("smtp", "smtps") or not url.hostname):
            raise ValueError("HOLDFAST_SMTP_URL must be like smtp://user:password@mail.example.com:587.")
        return value

    @property
    def mail_server(self) -> MailServer | None:
        """The mail server, if one is set. Without `from` the sender is the user, or no-reply at the public host."""
        url = urlsplit(self.smtp_url.get_secret_value())
        if not url.hostname:
            return None
        user, tls = unquote(url.username or ""), url.scheme == "smtps"
        sender = dict(parse_qsl(url.query)).get("from") or (user if "@" in user else self.sender)
        port = url.port or (465 if tls else 587)
        return MailServer(url.hostname, port, tls, user, unquote(url.password or ""), sender)

    @property
    def sender(self) -> str:
        """The address that e-mails come from if nothing else is said."""
        return f"no-reply@{urlsplit(self.public_url).hostname or 'localhost'}"


class Settings(StoreSettings, ConnectionSettings, MessageSettings):
    """Everything that differs between installations.

    page_key: the publishable key of the pages whose address names none.
    secret: signs hold ids and manage tokens; the same on every server of an installation.
    rate_limit_per_minute, keyless_per_minute: requests of an address, with each key that is not public, and without a
    known key; 0 is no limit. live_streams: most open streams of live events in each worker.
    webhook_allow_private: lets webhooks lead to private addresses, and be plain http.
    """

    secret: SecretStr = Field(validation_alias="HOLDFAST_SECRET", min_length=32)
    page_key: str = Field("", validation_alias="HOLDFAST_PAGE_KEY", pattern=r"^(hf_checkout_[A-Za-z0-9_-]{1,200})?$")
    grid_minutes: int = Field(15, validation_alias="HOLDFAST_GRID_MINUTES")
    rate_limit_per_minute: int = Field(0, ge=0, validation_alias="HOLDFAST_RATE_LIMIT_PER_MINUTE")
    keyless_per_minute: int = Field(300, ge=0, validation_alias="HOLDFAST_KEYLESS_PER_MINUTE")
    webhook_allow_private: bool = Field(False, validation_alias="HOLDFAST_WEBHOOK_ALLOW_PRIVATE")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", validation_alias="HOLDFAST_LOG_LEVEL")
    live_streams: int = Field(2_000, ge=0, validation_alias="HOLDFAST_LIVE_STREAMS")
    crash_point: str = Field("", validation_alias="HOLDFAST_CRASH_POINT")
    relay_metrics_port: int = Field(0, ge=0, le=65_535, validation_alias="HOLDFAST_RELAY_METRICS_PORT")
    confirm_window_ms: int = Field(15_000, ge=500, validation_alias="HOLDFAST_CONFIRM_WINDOW_MS")

    @field_validator("grid_minutes")
    @classmethod
    def _known_grid(cls, value: int) -> int:
        if value not in (5, 15):
            raise ValueError("HOLDFAST_GRID_MINUTES must be 5 or 15.")
        return value
