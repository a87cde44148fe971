"""Starts a real Airflow of the environment that pytest runs in, and acts on it as a user does."""
