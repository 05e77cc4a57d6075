"""Runs the whole product as child processes on one machine, for development and tests. Not for production."""
