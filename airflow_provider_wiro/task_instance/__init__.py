"""What this package asks Airflow about a task instance, in a worker and in a trigger, written once for both."""

from airflow_provider_wiro.task_instance.identity import identity_of
from airflow_provider_wiro.task_instance.killed import was_killed
from airflow_provider_wiro.task_instance.standing import Standing, standing
from airflow_provider_wiro.task_instance.tried_out import is_tried_out
from airflow_provider_wiro.task_instance.tries import another_try_comes
from airflow_provider_wiro.task_instance.unmapped import is_unmapped

__all__ = ["Standing", "another_try_comes", "identity_of", "is_tried_out", "is_unmapped", "standing", "was_killed"]
