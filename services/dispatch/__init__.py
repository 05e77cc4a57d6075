"""Decides who comes, for several visits at once."""
