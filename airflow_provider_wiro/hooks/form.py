"""The connection form's own fields, for Airflow before 3.2; newer ones read them from the provider info."""

from __future__ import annotations

from typing import Any

from airflow_provider_wiro.get_provider_info import CONNECTION_TYPE


def widgets() -> dict[str, Any]:
    """Return the fields, for Airflow to put into its form.

    A number is a whole one there, and a text is none of them: the form of Airflow 2 loses a ``false``. So ``verify``
    and ``socket_url`` go into *Extra*.
    """
    from flask_appbuilder.fieldwidgets import BS3TextFieldWidget
    from flask_babel import lazy_gettext
    from wtforms import BooleanField, IntegerField
    from wtforms.validators import Optional

    made: dict[str, Any] = {}
    for name, field in CONNECTION_TYPE["conn-fields"].items():
        said = {"label": lazy_gettext(field["label"]), "description": field["description"]}
        kind, default = field["schema"]["type"][0], field["schema"].get("default")
        if kind == "boolean":
            made[name] = BooleanField(**said, default=default)
        elif kind in ("number", "integer"):
            # Without Optional() an empty field keeps every connection from being saved, of other types too.
            made[name] = IntegerField(**said, default=default, validators=[Optional()], widget=BS3TextFieldWidget())
    return made
