"""Saving what a task has made: files below ``<folder>/<taskid>/``, and a manifest that says what made them."""

from airflow_provider_wiro.core.landing import Landed as Landed
from airflow_provider_wiro.core.manifest import About as About
from airflow_provider_wiro.landing.checking import missing as missing
from airflow_provider_wiro.landing.checking import verify as verify
from airflow_provider_wiro.landing.place import place_of as place_of
from airflow_provider_wiro.landing.saving import land as land
