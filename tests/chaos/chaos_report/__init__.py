"""Makes docs/reliability.md of what the chaos tests have written down. Standard library only."""
