"""Waiting for what was submitted elsewhere."""
