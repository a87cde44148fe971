"""What these tests share."""

from durable import all_held, journal_folder  # noqa: F401
