"""Authenticates bearer tokens, and manages API keys."""
