"""Apache Airflow provider for the Wiro AI API."""

__version__ = "0.2.0"
