"""Text messages (SMS): which characters they may have, how many segments they take, and the provider's API."""
