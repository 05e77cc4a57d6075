"""What `scripts/drill.py` plays: networks that part, on real stores, API servers and relays of its own."""
