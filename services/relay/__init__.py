"""The background process: finishes what a dead worker left, expires reservations, rebuilds the mirror."""
