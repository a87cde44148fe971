"""Assets: what was made, told to the DAGs that wait for it, and to Airflow's collector of lineage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from airflow_provider_wiro.compat import AIRFLOW_V_3_0_PLUS
from airflow_provider_wiro.core.files import FileInput
from airflow_provider_wiro.core.generation import GenerationDict
from airflow_provider_wiro.core.lineage import inputs_named, outputs_named, places_of, saved_in
from airflow_provider_wiro.core.result import ResultDict
from airflow_provider_wiro.core.text import in_words, one_line
from airflow_provider_wiro.stages.this_try import Try


def tell_assets(this: Try, result: ResultDict, told: GenerationDict | None) -> None:
    """Tell what was made of what. It is paid: that this fails ends nothing.

    An asset among the outlets (on Airflow 2.11: a dataset) gets an event whose extra has ``taskid``, ``model``,
    ``cost_usd`` and ``uris``. An alias gets an asset for each saved file, with ``uri`` in the place of ``uris``.

    :param told: what XCom says of the generation; None where nothing is there.
    """
    try:
        _tell_outlets(this, result, told)
    except Exception as error:
        _warn(this, result, "the assets among its outlets", error)
    try:
        _tell_lineage(this, result, told)
    except Exception as error:
        _warn(this, result, "its lineage", error)


def _tell_outlets(this: Try, result: ResultDict, told: GenerationDict | None) -> None:
    from airflow_provider_wiro.compat import Asset, AssetAlias

    refs = (type(Asset.ref(name="x")), type(Asset.ref(uri="x"))) if AIRFLOW_V_3_0_PLUS else ()
    task: Any = this.context.get("task")
    outlets = [each for each in getattr(task, "outlets", ()) if isinstance(each, (Asset, AssetAlias, *refs))]
    if not outlets:
        return
    extra = {
        "taskid": result["taskid"],
        "model": told["model"] if told else getattr(task, "model", None),
        "cost_usd": result["cost_usd"],
    }
    events: Any = this.context["outlet_events"]  # type: ignore[typeddict-item,unused-ignore]
    files = saved_in(result)
    for outlet in outlets:
        try:
            event = events[outlet]
            if not isinstance(outlet, AssetAlias):
                event.extra = {**event.extra, **extra, "uris": places_of(result)}
                continue
            for name, place in files.items():
                event.add(Asset(uri=name), extra={**extra, "uri": place})  # flat: Airflow makes a set of it
            if not files:
                this.log.warning("taskid %s: no file of it was saved, so %r gets no asset", result["taskid"], outlet)
        except Exception as error:
            _warn(this, result, repr(outlet), error)


def _tell_lineage(this: Try, result: ResultDict, told: GenerationDict | None) -> None:
    from airflow.providers.common.compat.lineage.hook import get_hook_lineage_collector

    from airflow_provider_wiro.hooks.wiro import WiroHook

    collector, hook = get_hook_lineage_collector(), WiroHook(this.settings.conn_id)
    task: Any = this.context.get("task")
    files = {file.name: [source.address for source in file.sources] for file in _files_of(task)}
    for uri in inputs_named((told["inputs"] if told else {}) | files):
        collector.add_input_asset(context=hook, uri=uri)
    for uri in outputs_named(result):
        collector.add_output_asset(context=hook, uri=uri)


def _files_of(task: Any) -> tuple[FileInput, ...]:
    build: Callable[[], tuple[FileInput, ...]] | None = getattr(task, "build_files", None)
    return () if build is None else build()


def _warn(this: Try, result: ResultDict, what: str, error: Exception) -> None:
    said = in_words(error)
    this.log.warning("taskid %s: %s cannot be told what was made: %s", result["taskid"], one_line(what), said)
