"""Connections to Redis and MongoDB, their faults, and the tools that several rooms build on them."""
