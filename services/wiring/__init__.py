"""Puts the rooms together. `services.build_services` is its only caller."""
