"""An operator's arguments, as the author wrote them and as rendered, become the order: what is to be made."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from airflow_provider_wiro.core.fields import Field, found_nothing, model_inputs
from airflow_provider_wiro.core.fields import idempotency_key as read_key
from airflow_provider_wiro.core.sequences import plain, taken
from airflow_provider_wiro.core.slugs import model_name
from airflow_provider_wiro.core.templated import is_templated
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.trying import TryingOperator
from airflow_provider_wiro.stages.this_try import Order


class OrderingOperator(TryingOperator):
    """Everything about what is to be made."""

    fields: ClassVar[tuple[Field, ...]] = ()

    model: str
    inputs: Mapping[str, Any] | str
    idempotency_key: str | None

    def check_untemplated(self) -> None:
        """Check the arguments of every model that hold no template yet.

        :raises WiroInputError: naming the argument, its value and what is allowed.
        """
        checks: dict[str, Callable[[object], object]] = {
            "model": model_name,
            "inputs": model_inputs,
            "idempotency_key": read_key,
        }
        for name, check in checks.items():
            if not is_templated(given := getattr(self, name)):
                check(given)

    def check_fields(self) -> None:
        """Check the typed arguments that hold no template yet; a model's operator calls it when it is constructed.

        A mapped task's are checked in ``execute``: what is raised while Airflow unmaps it is tried again, and not seen.
        """
        with self.naming_the_task():
            for field in () if self.unmapped else self.fields:
                given = getattr(self, field.name)
                if not is_templated(given):
                    field.value(taken(field.input, given))

    def build_inputs(self) -> dict[str, object]:
        """Return the inputs to send: the typed arguments, rendered and checked, over ``inputs``."""
        typed = {field.input: field.value(taken(field.input, getattr(self, field.name))) for field in self.fields}
        given = self.inputs
        if isinstance(given, str) and isinstance(literal := self.rendering_of("inputs").before, Mapping):
            given = literal
        return model_inputs(plain(given)) | {name: value for name, value in typed.items() if value is not None}

    def check(self) -> Order:
        """Return what is to be made: the arguments, rendered and checked."""
        self.check_settings()
        for name in ("inputs", "wiro_conn_id"):
            for path in self.rendering_of(name).nothing:
                raise found_nothing(name, path)
        order = self._order()
        before = self._order_before()
        return order if before == order else replace(order, before=before)

    def _order(self) -> Order:
        return Order(model_name(self.model), self.build_inputs(), read_key(self.idempotency_key))

    def _order_before(self) -> Order | None:
        """Return what releases before 0.2.0 would have made of the same templates; None where they refused it."""
        before = copy.copy(self)
        for name in self.template_fields:
            setattr(before, name, self.rendering_of(name).before)
        try:
            return before._order()
        except WiroInputError:
            return None
