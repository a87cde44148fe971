"""Rendering templates so that text stays text: native rendering reads ``1.50`` as a number, and pays for ``1.5``."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from airflow_provider_wiro.compat import BaseOperator
from airflow_provider_wiro.core.templated import Rendered, each_rendered, is_templated

if TYPE_CHECKING:
    import jinja2

    from airflow_provider_wiro.compat import Context

NOTHING = "None"


class RenderingOperator(BaseOperator):
    """Knows what its templates were rendered to."""

    def __init__(self, **kwargs: Any) -> None:
        self._renderings: list[Rendered] = []
        super().__init__(**kwargs)

    def render_template(
        self,
        content: Any,
        context: Context,
        jinja_env: jinja2.Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render as Airflow does, but let text stay text where native rendering is on."""
        env = jinja_env or self.get_template_env()
        airflows, done = super().render_template, seen_oids or ()

        def as_airflow_does(value: object) -> Any:
            return airflows(value, context, env, seen_oids)

        def leaf(value: object) -> Rendered:
            if not isinstance(value, str) or id(value) in done:
                rendered = as_airflow_does(value)
                return Rendered(rendered, rendered)
            is_file = value.endswith(tuple(self.template_ext))
            return rendered_text(value, context, env, is_file=is_file, as_airflow_does=as_airflow_does)

        # What a mapped task is given by another one is no template, though it be a dict that holds braces.
        rendered = Rendered(content, content) if id(content) in done else each_rendered(content, leaf)
        self._renderings.append(rendered)
        return rendered.now

    def rendering_of(self, name: str) -> Rendered:
        """Return what an argument was rendered to."""
        value = getattr(self, name)
        found = (rendering for rendering in reversed(self._renderings) if rendering.now is value)
        return next(found, Rendered(value, value))


def rendered_text(
    source: str,
    context: Mapping[str, Any],
    env: jinja2.Environment,
    *,
    is_file: bool,
    as_airflow_does: Callable[[str], object],
) -> Rendered:
    """Render one text.

    With native rendering an expression that stands alone keeps its type (a number, a dict, None), and what is text
    stays text. Airflow itself reads all text as a Python literal, where it can.

    :param context: Airflow's.
    :param is_file: whether *source* is the name of a template's file.
    :param as_airflow_does: Airflow's own rendering, for DAGs without native rendering.
    """
    from jinja2.nativetypes import NativeEnvironment, native_concat

    if not isinstance(env, NativeEnvironment):
        rendered = as_airflow_does(source)
        return Rendered(rendered, rendered, _nothing(source, rendered))
    nodes, constants = _nodes(source, context, env, is_file)
    text = "".join(str(node) for node in nodes)
    now: object = text
    if not nodes:
        now = None
    elif len(nodes) == 1 and not isinstance(nodes[0], str):
        now = nodes[0]
    elif len(nodes) == 1:
        now = next((constant for constant in constants if str(constant) == text), text)
    return Rendered(now, native_concat(nodes), _nothing(source, now))


def _nodes(
    source: str, context: Mapping[str, Any], env: jinja2.Environment, is_file: bool
) -> tuple[list[object], list[object]]:
    """Return the pieces that *source* is rendered to, and its constant expressions, which Jinja turns into text."""
    constants: list[object] = []

    def note(value: object) -> object:
        constants.append(value)
        return value

    noting = env.overlay(finalize=note) if env.finalize is None else env
    template = noting.get_template(source) if is_file else noting.from_string(source)
    folded = [value for value in constants if not isinstance(value, str)]
    names = cast("dict[str, Any]", ChainMap(cast("dict[str, Any]", context), cast("dict[str, Any]", template.globals)))
    return list(template.root_render_func(template.new_context(names, shared=True))), folded


def _nothing(source: str, rendered: object) -> tuple[tuple[object, ...], ...]:
    found_nothing = isinstance(rendered, str) and rendered.strip() == NOTHING and is_templated(source)
    return ((),) if found_nothing else ()
