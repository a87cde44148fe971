"""The gallery in Airflow's UI: what the DAGs have generated, for Airflow 3.1 and newer."""
