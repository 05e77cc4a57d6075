"""Makes bookings and changes them."""
