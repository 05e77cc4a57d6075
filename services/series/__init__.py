"""Series: a rule makes visits that are booked together, all or none, and cancelled or changed together afterwards."""
