"""Which slots are free, and which visits a request may become. Never claims anything."""
