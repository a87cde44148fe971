"""Every argument that is true or false takes a bool, and nothing else: text such as "false" would count as true."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.runway import RunwayImageToVideoOperator
from airflow_provider_wiro.operators.wiro import WiroRunOperator
from airflow_provider_wiro.sensors.wiro import WiroTaskSensor
from airflow_provider_wiro.transfers.wiro_to_object_storage import WiroToObjectStorageOperator

NEEDED: dict[type[Any], dict[str, Any]] = {
    WiroRunOperator: {"model": "owner/model"},
    RunwayImageToVideoOperator: {"prompt": "a kite", "input_image_url": "a.png"},
    WiroTaskSensor: {"taskid": "2221"},
    WiroToObjectStorageOperator: {"taskid": "2221", "save_to": "/videos"},
}
FLAGS = [
    (kind, name)
    for kind in NEEDED
    for name, argument in inspect.signature(inspect.unwrap(kind.__init__)).parameters.items()
    if argument.annotation == "bool"
]


@pytest.mark.parametrize(("kind", "name"), FLAGS)
@pytest.mark.parametrize("value", ["false", "{{ params.x }}", None, 1])
def test_what_is_no_bool_is_refused_when_the_dag_is_read(kind: type[Any], name: str, value: object) -> None:
    with pytest.raises(WiroInputError, match=rf"^{name} is .*; allowed: True or False, a bool"):
        kind(**{"task_id": "x", **NEEDED[kind], name: value})
