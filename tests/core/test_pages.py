"""Where links lead: only to http(s), and never to what holds a secret."""

from __future__ import annotations

import pytest

from airflow_provider_wiro.core.pages import file_page, model_page, shown_url

MODELS = {
    "Runway/image-to-video-gen4-turbo": "https://wiro.ai/models/runway/image-to-video-gen4-turbo",
    "google/veo3.1": "https://wiro.ai/models/google/veo3-1",
    "wiro/Virtual Try-On": "https://wiro.ai/models/wiro/virtual-try-on",
    "{{ params.model }}": "",
    "javascript:alert(1)//a/b": "",
    "../../evil": "",
    None: "",
}
SHOWN = {
    "https://cdn.wiro.ai/a/0.mp4": "https://cdn.wiro.ai/a/0.mp4",
    "http://127.0.0.1:8000/0.mp4": "http://127.0.0.1:8000/0.mp4",
    "https://cdn.wiro.ai/0.mp4?v=2#t=3": "https://cdn.wiro.ai/0.mp4?v=2",
    "https://cdn.wiro.ai/a b.mp4": "https://cdn.wiro.ai/a%20b.mp4",
    "https://b.s3.amazonaws.com/0.mp4?X-Amz-Expires=60&X-Amz-Signature=abc": "",
    "https://a.blob.core.windows.net/c/0.mp4?se=2026&sp=r&sig=abc": "",
    "https://d.cloudfront.net/0.mp4?Policy=x": "",
    "https://cdn.wiro.ai/0.mp4?t=" + 33 * "a": "",
    "https://cdn.wiro.ai/0.mp4?" + 33 * "a": "",
    "https://user:word@cdn.wiro.ai/0.mp4": "",
    "https://[::1": "",
    "javascript:alert(1)": "",
    "data:text/html,<script>alert(1)</script>": "",
    "file:///etc/passwd": "",
    None: "",
    7: "",
}
CONSOLE = "https://console.cloud.google.com/storage/browser/_details/"
FILES = {
    "gs://bucket/videos/2221/0.mp4": f"{CONSOLE}bucket/videos/2221/0.mp4",
    "gs://conn@bucket/videos/a b?#.mp4": f"{CONSOLE}bucket/videos/a%20b%3F%23.mp4",
    "gs://bucket/v@2/0.mp4": f"{CONSOLE}bucket/v%402/0.mp4",
    "gcs://bucket/0.mp4": f"{CONSOLE}bucket/0.mp4",
    "s3://aws_default@bucket/v/0.mp4": "https://s3.console.aws.amazon.com/s3/object/bucket?prefix=v/0.mp4",
    "s3a://bucket/0&a.mp4": "https://s3.console.aws.amazon.com/s3/object/bucket?prefix=0%26a.mp4",
    "https://files.example.com/0.mp4": "https://files.example.com/0.mp4",
    "https://files.example.com/0.mp4?token=x": "",
    "abfs://container@account/0.mp4": "",
    "file:///data/videos/0.mp4": "",
    "/data/videos/0.mp4": "",
    "gs://bucket": "",
    None: "",
}


@pytest.mark.parametrize(("model", "page"), MODELS.items())
def test_a_model_has_a_page(model: object, page: str) -> None:
    assert model_page(model) == page


@pytest.mark.parametrize(("url", "shown"), SHOWN.items())
def test_an_address_is_only_shown_where_it_holds_no_secret(url: object, shown: str) -> None:
    assert shown_url(url) == shown


@pytest.mark.parametrize(("uri", "page"), FILES.items())
def test_a_saved_file_has_a_page_where_its_storage_has_one(uri: object, page: str) -> None:
    assert file_page(uri) == page
