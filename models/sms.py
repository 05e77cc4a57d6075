"""A text message that comes in, in the form in which the provider sends it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class InboundText(BaseModel):
    """Form of POST /sms/inbound: what Twilio sends of a text message. The signature covers every field, also those that
    are not named here."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    sid: str = Field("", alias="MessageSid", description="The id of the message.")
    sender: str = Field("", alias="From", description="The phone that wrote it, with its country code.")
    to: str = Field("", alias="To", description="The number that it was sent to.")
    text: str = Field("", alias="Body", description="The text.")
