"""Saving what was paid for elsewhere."""
