"""The text message bot: what a message means, what the conversation is about, what to do and what to answer."""
