"""What the provider of text messages sends us, in its form: a text that comes in, and what became of one of ours."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from models.fields import PlainId, Request


class InboundText(BaseModel):
    """Form of POST /sms/inbound: what Twilio sends of a text message. The signature covers every field, also those that
    are not named here."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    sid: str = Field("", alias="MessageSid", description="The id of the message.")
    sender: str = Field("", alias="From", description="The phone that wrote it, with its country code.")
    to: str = Field("", alias="To", description="The number that it was sent to.")
    text: str = Field("", alias="Body", description="The text.")


class TextReport(BaseModel):
    """Form of POST /sms/status: what Twilio reports of a text message that we sent. The signature covers every field,
    also those that are not named here."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    sid: str = Field("", alias="MessageSid", description="The id of the message.")
    status: str = Field("", alias="MessageStatus", description="How far it has come, such as `delivered`.")
    error: str = Field("", alias="ErrorCode", description="The provider's code for why it failed.")


class ReportQuery(Request):
    """Query of POST /sms/status."""

    message_id: PlainId | None = None
