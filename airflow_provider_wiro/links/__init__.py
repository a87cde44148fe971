"""Links from a task instance in Airflow's UI."""
