"""The live feed: what changes in an org, for clients that watch it."""
