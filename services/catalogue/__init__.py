"""Properties, technicians and policy: read from memory, edited in MongoDB."""
