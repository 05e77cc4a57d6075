"""Moves an org's data in and out: import of catalogue and bookings, and export."""
