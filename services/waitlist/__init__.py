"""The waitlist: who waits for a slot, who is offered one, and how an offer ends."""
