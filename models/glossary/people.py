"""The words of people who sign in and of their sessions."""

from __future__ import annotations

_PERSON = ("User", "UserCreate", "UserPatch")

WORDS: dict[str, str] = {
    "path.user_id": "The id of the person.",
    "UserCreate.id": "The chosen name of the person, which histories show; left out, the person gets one.",
    "User.id": "The chosen name of the person, which histories show.",
    **{f"{model}.name": "The name of the person." for model in _PERSON},
    **{
        f"{model}.email": "The e-mail address that the person signs in with. Nobody else of the installation has it."
        for model in _PERSON
    },
    **{f"{model}.role": "What the person may do, as the role of a key." for model in _PERSON},
    **{
        f"{model}.status": "`active`, or `disabled` for a person who cannot sign in." for model in ("User", "UserPatch")
    },
    "User.created_at": "When the person was added.",
    "password": "The password, of at least 10 characters. No reply shows it.",
    "users": "The people of this page.",
    "SessionRequest.email": "The e-mail address of the person who signs in.",
    "SessionRequest.password": "The password of the person who signs in.",
    "SessionRequest.key": "An API key of the role `desk` or `admin`.",
    "current_password": "The password with which the person signs in now.",
    "new_password": "The password from now on, of at least 10 characters.",
    "everywhere": "Whether all sessions of this person, or of this key, end: on every device.",
    "org": "The org whose objects the caller sees.",
    "Session.role": "What the caller may do.",
    "Session.user_id": "The id of the person who is signed in; null for an API key.",
    "Session.name": "The name of the person who is signed in; null for an API key.",
    "Session.email": "The e-mail address of the person who is signed in; null for an API key.",
    "Session.expires_at": "When the session ends; null if the request shows a key itself.",
}
