"""What leaves for the outside because something changed: entries in MongoDB, delivered at least once."""
