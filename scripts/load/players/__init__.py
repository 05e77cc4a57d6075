"""The clients of a scenario, each a generator of steps."""
