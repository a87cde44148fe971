"""``@task.wiro``: a function returns the inputs of a model."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_wiro.compat import (
    DecoratedOperator,
    context_merge,
    determine_kwargs,
    task_decorator_factory,
)
from airflow_provider_wiro.core.fields import model_inputs, refused
from airflow_provider_wiro.core.sequences import plain
from airflow_provider_wiro.exceptions import WiroInputError
from airflow_provider_wiro.operators.wiro import WiroRunOperator

if TYPE_CHECKING:
    from airflow_provider_wiro.compat import TaskDecorator
    from airflow_provider_wiro.stages.this_try import Order

BY_THE_FUNCTION = "inputs"


class WiroDecoratedOperator(DecoratedOperator, WiroRunOperator):
    """Call a function for the inputs, where something is to be submitted; all else is the operator's."""

    template_fields: Sequence[str] = (
        *DecoratedOperator.template_fields,
        *(name for name in WiroRunOperator.template_fields if name != BY_THE_FUNCTION),
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        **DecoratedOperator.template_fields_renderers,
        **{name: kind for name, kind in WiroRunOperator.template_fields_renderers.items() if name != BY_THE_FUNCTION},
    }
    custom_operator_name = "@task.wiro"

    def __init__(
        self,
        *,
        python_callable: Callable[..., object],
        op_args: Collection[Any] | None = None,
        op_kwargs: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        name = _name(python_callable)
        if BY_THE_FUNCTION in kwargs:
            raise refused("inputs", kwargs[BY_THE_FUNCTION], f"nothing: {name} returns them")
        if inspect.iscoroutinefunction(python_callable):
            raise refused("the function", f"async def {name}", "one that is not async")
        super().__init__(python_callable=python_callable, op_args=op_args, op_kwargs=op_kwargs, **kwargs)

    @staticmethod
    def xcom_push(context: Any, key: str, value: object) -> None:
        """Push a part of the result: the decorated operator of Airflow 3.0 asks for this, and has none."""
        context["ti"].xcom_push(key=key, value=value)

    def check(self) -> Order:
        """Return what is to be made: the function's inputs, and the arguments."""
        self.inputs = self._returned()
        return super().check()

    def _returned(self) -> dict[str, object]:
        assert self._try is not None
        context, name = self._try.context, _name(self.python_callable)
        context_merge(context, self.op_kwargs)
        kwargs = determine_kwargs(self.python_callable, self.op_args, context)
        returned = self.python_callable(*self.op_args, **kwargs)
        if not isinstance(returned, Mapping):
            raise refused(f"what {name} returned", returned, "a dict of the model's inputs")
        try:
            return model_inputs(plain(returned))
        except WiroInputError as error:
            raise WiroInputError(f"what {name} returned cannot be sent: {error}") from None


def wiro_task(python_callable: Callable[..., object] | None = None, **kwargs: Any) -> TaskDecorator:
    """Make of a function that returns a model's inputs a task that runs the model.

    **Each generation that succeeds costs money.**

    ::

        @task.wiro(model="black-forest-labs/flux-2-pro", deferrable=True)
        def draw(scene, ds=None):
            return {"prompt": f"{scene}, on {ds}"}

        draw("A lighthouse")["output_url"]

    The task returns and pushes what :class:`~airflow_provider_wiro.operators.wiro.WiroRunOperator` does, and takes its
    arguments, but for ``inputs``. The function's own arguments are templated; what it returns is sent as it is. It is
    called in the worker, after the journal was asked, in each try and again after each wait for room. Where a
    generation of an earlier try exists, the task goes on with that whatever the function does.

    :param python_callable: a plain function; it returns a dict of JSON values, of which None is left out.
    :param kwargs: the operator's arguments.
    :raises WiroInputError: before anything is sent, if the function returns anything else; the message names it.
    """
    kwargs.setdefault("multiple_outputs", False)  # Airflow would go by what the function returns, not the task
    decorator: TaskDecorator = task_decorator_factory(
        python_callable=python_callable, decorated_operator_class=WiroDecoratedOperator, **kwargs
    )
    return decorator


def _name(function: Callable[..., object]) -> str:
    return f"{getattr(function, '__name__', type(function).__name__)}()"
