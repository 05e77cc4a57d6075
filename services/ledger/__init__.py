"""Bookings in MongoDB: the truth. Owns the bookings collection and its unique index."""
