"""The people that visits are for."""
