"""Starts an Airflow that can be hurt, hurts it, and writes down what came of it."""
