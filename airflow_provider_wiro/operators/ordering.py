"""An operator's arguments, as the author wrote them and as rendered, become the order: what is to be made."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from airflow_provider_wiro.core.fields import Field, check_one_of, found_nothing, model_inputs, refused
from airflow_provider_wiro.core.fields import idempotency_key as read_key
from airflow_provider_wiro.core.files import ONE_FILE, FileInput, file_input, file_inputs, refuse_both, refuse_paths
from airflow_provider_wiro.core.saving import folder
from airflow_provider_wiro.core.sequences import plain, taken
from airflow_provider_wiro.core.slugs import model_name
from airflow_provider_wiro.core.templated import is_templated
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.trying import TryingOperator
from airflow_provider_wiro.stages.this_try import Order


class OrderingOperator(TryingOperator):
    """Everything about what is to be made."""

    fields: ClassVar[tuple[Field, ...]] = ()
    file_fields: ClassVar[Mapping[str, str]] = {}
    """Of each typed argument that is a file, Wiro's name of the input."""
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """Groups of typed arguments of which exactly one is given."""

    model: str
    inputs: Mapping[str, Any] | str
    files: Mapping[str, Any] | str
    idempotency_key: str | None

    def check_when_constructed(self) -> None:
        """Check what holds no template; a mapped task's is checked in ``execute``, see :meth:`check_fields`."""
        if not self.unmapped:
            with self.naming_the_task():
                self.check_settings()
                self.check_untemplated()

    def check_untemplated(self) -> None:
        """Check the arguments of every model that hold no template yet.

        :raises WiroInputError: naming the argument, its value and what is allowed.
        """
        checks: dict[str, Callable[[object], object]] = {
            "model": model_name,
            "inputs": lambda given: refuse_paths(model_inputs(given)),
            "files": file_inputs,
            "idempotency_key": read_key,
        }
        if self.save_to is not None:
            checks["save_to"] = folder
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
            for name, input in () if self.unmapped else self.file_fields.items():
                if not is_templated(getattr(self, name)):
                    file_input(input, self._one_file(name, input), name)
            for names in () if self.unmapped else self.exactly_one:
                check_one_of({name: getattr(self, name) for name in names})

    def build_inputs(self) -> dict[str, object]:
        """Return the inputs to send: the typed arguments, rendered and checked, over ``inputs``."""
        typed = {field.input: field.value(taken(field.input, getattr(self, field.name))) for field in self.fields}
        given = self.inputs
        if isinstance(given, str) and isinstance(literal := self.rendering_of("inputs").before, Mapping):
            given = literal
        sent = model_inputs(plain(given))
        refuse_paths(sent)
        return sent | {name: value for name, value in typed.items() if value is not None}

    def build_files(self) -> tuple[FileInput, ...]:
        """Return the files that the model is given: the typed arguments, and ``files``; rendered and checked."""
        for names in self.exactly_one:
            check_one_of({name: getattr(self, name) for name in names})
        typed = (file_input(of, self._one_file(name, of), name) for name, of in self.file_fields.items())
        return (*(one for one in typed if one is not None), *file_inputs(self.files))

    def _one_file(self, name: str, input: str) -> object:
        given = taken(input, getattr(self, name))
        if isinstance(given, list | tuple):
            raise refused(name, given, ONE_FILE)
        return given

    def check(self) -> Order:
        """Return what is to be made: the arguments, rendered and checked."""
        self.check_settings()
        for name in ("inputs", "files", "wiro_conn_id"):
            for path in self.rendering_of(name).nothing:
                raise found_nothing(name, path)
        if self.saves:
            folder(self.wanted_folder)
        order = self._order()
        before = None if order.files else self._order_before()
        return order if before in (None, order) else replace(order, before=before)

    def _order(self) -> Order:
        model, inputs, files = model_name(self.model), self.build_inputs(), self.build_files()
        refuse_both(files, inputs)
        plain_urls = {file.name: file.sources[0].address for file in files if file.is_plain_url}
        files = tuple(file for file in files if not file.is_plain_url)
        return Order(model, inputs | plain_urls, read_key(self.idempotency_key), files=files)

    def _order_before(self) -> Order | None:
        """Return what releases before 0.2.0 would have made of the same templates; None where they refused it."""
        before = copy.copy(self)
        for name in self.template_fields:
            setattr(before, name, self.rendering_of(name).before)
        try:
            return before._order()
        except WiroInputError:
            return None
