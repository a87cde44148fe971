"""File/Upload: what it takes, and what it answers."""

from __future__ import annotations

import io
import mimetypes
import uuid
import zipfile
from collections.abc import Iterator

from airflow_provider_wiro.emulator.account import Account
from airflow_provider_wiro.emulator.bodies import Body, UploadedFile
from airflow_provider_wiro.emulator.media import StoredFile
from airflow_provider_wiro.emulator.refusals import GENERAL, Refused, invalid
from airflow_provider_wiro.emulator.tasks import random_token

MAX_UPLOAD = 100_000_000
TYPES = (
    *("jpg", "png", "gif", "webp", "heic", "mp4", "webm", "mov", "mp3", "wav", "m4a"),
    *("pdf", "csv", "docx", "xlsx", "pptx", "txt", "md", "epub"),
)
"""What is taken, by its extension; a zip is unpacked."""


def upload(account: Account, body: Body) -> dict[str, object]:
    """Keep a file, or those in a zip, and answer with a row for each."""
    file = body.fields.get("file")
    if not isinstance(file, UploadedFile):
        raise Refused(GENERAL, "Request files [file] required")
    if len(file.data) > MAX_UPLOAD:
        raise invalid("file is larger than 100 MB")
    if not file.data:
        raise invalid("file is empty")
    files = list(_unpacked(file)) if _type_of(file.filename) == "zip" else [file]
    for each in files:
        if _type_of(each.filename) not in TYPES:
            raise invalid(f"file is none of {', '.join(TYPES)}")
    folder = str(body.fields.get("folderid", uuid.uuid4().hex))
    return {"errors": [], "list": [_row(account, each, folder) for each in files], "result": True}


def _type_of(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _unpacked(file: UploadedFile) -> Iterator[UploadedFile]:
    try:
        with zipfile.ZipFile(io.BytesIO(file.data)) as packed:
            members = [member for member in packed.infolist() if not member.is_dir()]
            if sum(member.file_size for member in members) > MAX_UPLOAD:
                raise invalid("file is larger than 100 MB")
            for member in members:
                name = member.filename.rpartition("/")[2]
                kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                yield UploadedFile(name, kind, packed.read(member))
    except zipfile.BadZipFile:
        raise invalid("file is no zip") from None


def _row(account: Account, file: UploadedFile, folder: str) -> dict[str, object]:
    url = account.keep("File", StoredFile(file.filename, file.content_type, file.data))
    return {
        "id": url.split("/")[-2],
        "name": file.filename,
        "contenttype": file.content_type,
        "size": str(len(file.data)),
        "parentid": folder,
        "url": url,
        "addedtime": str(int(account.clock.shown(account.clock()))),
        "accesskey": random_token(),
    }
