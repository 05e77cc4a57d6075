"""The players: what each client sends, one request after the other."""
