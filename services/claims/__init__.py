"""Claims in Redis: holds, pins and the mirror of bookings. Owns every key name and every Lua script."""
