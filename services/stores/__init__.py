"""Connections to Redis and MongoDB, their faults, and what several rooms build on them."""
