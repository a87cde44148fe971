"""Waiting without a worker slot."""

SETTLING = 5.0
"""Seconds for which a trigger that watches Wiro runs at least. Airflow fails a deferred task whose trigger fires before
its scheduler has heard that the worker is done with it (apache/airflow#66374, #71580)."""
