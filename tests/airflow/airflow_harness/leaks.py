"""Looks for secrets wherever Airflow keeps or shows something: in every log, and in every row of its database.

Rows come and go while a task runs (a trigger's row lives as long as the trigger), so the database itself keeps a copy
of each row that it ever held in the tables where a leak would sit.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cryptography.fernet import Fernet
from psycopg2 import sql

if TYPE_CHECKING:
    import psycopg2.extensions

REMEMBERED = ("xcom", "rendered_task_instance_fields", "trigger", "task_instance")
NOT_SEARCHED = frozenset({"connection", "log", "wiro_test_history"})
"""Tables left out: where the credentials belong, and where Airflow notes down a user's change of a connection."""

REMEMBER_ROWS = """
CREATE TABLE wiro_test_history (id bigserial PRIMARY KEY, name text NOT NULL, content text NOT NULL);
CREATE FUNCTION wiro_test_remember() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO wiro_test_history (name, content) VALUES (TG_TABLE_NAME, row_to_json(NEW)::text);
    RETURN NEW;
END $$;
""" + "".join(
    f"CREATE TRIGGER wiro_test AFTER INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION wiro_test_remember();\n"
    for table in REMEMBERED
)

_BYTES = re.compile(r"\\\\x((?:[0-9a-f]{2})+)")


@dataclass(frozen=True)
class Text:
    """Something to search: where it was, and what it says."""

    place: str
    content: str = field(repr=False)


@dataclass(frozen=True, order=True)
class Leak:
    """A secret, by its name, and the place it was found in."""

    place: str
    secret: str


def search(texts: Iterable[Text], secrets: dict[str, str]) -> list[Leak]:
    """Every place that holds a secret. `secrets` maps the value to a name that is safe to print."""
    assert all(len(value) >= 8 for value in secrets), "a secret this short would be found by chance"
    pattern = re.compile("|".join(re.escape(value) for value in secrets))
    found = {Leak(text.place, secrets[hit]) for text in texts for hit in pattern.findall(text.content)}
    return sorted(found)


def log_texts(folder: Path, kind: str) -> Iterator[Text]:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield Text(f"{kind}: {path.relative_to(folder)}", path.read_text(errors="replace"))


def database_texts(cursor: psycopg2.extensions.cursor, fernet_key: str) -> Iterator[Text]:
    """Every row there is, and every row there was in the tables that are remembered."""
    cursor.execute("SELECT name, content FROM wiro_test_history ORDER BY id")
    for name, content in cursor.fetchall():
        yield from _row_texts(name, content, fernet_key)
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for (name,) in cursor.fetchall():
        if name not in NOT_SEARCHED:
            cursor.execute(sql.SQL("SELECT row_to_json(t)::text FROM {} t").format(sql.Identifier(name)))
            for (content,) in cursor.fetchall():
                yield from _row_texts(name, content, fernet_key)


def _row_texts(table: str, content: str, fernet_key: str) -> Iterator[Text]:
    yield Text(f"table: {table}", content)
    for hexadecimal in _BYTES.findall(content):
        yield Text(f"table: {table}", bytes.fromhex(hexadecimal).decode(errors="replace"))
    if table == "trigger":
        # Airflow 2.11 encrypts a trigger's arguments, 3.3 does not: search what is left when nothing is encrypted.
        kwargs = json.loads(content)["kwargs"]
        if not kwargs.startswith("{"):
            kwargs = Fernet(fernet_key).decrypt(kwargs.encode()).decode()
        yield Text("table: trigger, decrypted", kwargs)
