"""The operations that scripts/bench.py measures, their rounds, costs and report."""
