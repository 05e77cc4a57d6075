"""The background process: finishes the work of dead workers and keeps the mirror equal to MongoDB."""
