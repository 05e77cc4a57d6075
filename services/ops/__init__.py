"""Runs an installation: prepares its stores, reports its health, warms a worker's memory."""
