"""From an Airflow connection to the Wiro API."""
