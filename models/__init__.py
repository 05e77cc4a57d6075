"""Data and vocabulary of Holdfast. Imports nothing of ours: no HTTP, no stores."""
