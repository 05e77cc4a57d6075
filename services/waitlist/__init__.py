"""The waitlist: customers wait for a slot, the relay offers them one, and each offer is booked or ends."""
