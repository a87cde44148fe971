"""What this provider does, free of Airflow, sockets, clocks and sleeps."""
