"""What these tests share."""

from durable import all_held  # noqa: F401
