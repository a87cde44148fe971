"""``python -m airflow_provider_wiro.sweep``: stop what runs on at Wiro though nobody waits for it any more."""
