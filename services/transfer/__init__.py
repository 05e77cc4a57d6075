"""Import of an org's catalogue and bookings, and export of both."""
