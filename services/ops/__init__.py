"""Runs an installation: prepares its stores, reports its health, and fills the memory of new workers."""
