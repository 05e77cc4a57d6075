"""The rules of docs/rules.md, and the verdict over a run."""
