"""What an author gives as files: what is taken, what is refused before anything is sent, and what is the same work."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wiro.core.files import FILE_TYPES, Source, file_inputs, refuse_both, refuse_paths
from airflow_provider_wiro.core.refusal import _difference
from airflow_provider_wiro.core.uploading import uploaded_url
from airflow_provider_wiro.core.work import Work
from airflow_provider_wiro.exceptions import WiroInputError
from fake_driver import reply
from records import intent, of_0_1_0, work

URL = "https://x.example/a.png?signature=secret"
SHA, OTHER = "ab" * 32, "cd" * 32


def addresses(given: object) -> dict[str, list[str]]:
    return {file.name: [source.address for source in file.sources] for file in file_inputs(given)}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"a": "/x/y.png"}, {"a": ["/x/y.png"]}),
        ({"a": "x.PNG"}, {"a": ["x.PNG"]}),
        ({"a": "file:///x/y.mp4"}, {"a": ["file:///x/y.mp4"]}),
        ({"a": "s3://conn@bucket/a b/k?y#z.jpeg"}, {"a": ["s3://conn@bucket/a b/k?y#z.jpeg"]}),
        ({"a": ["gs://b/1.wav", URL]}, {"a": ["gs://b/1.wav", URL]}),
        ({"a": f" {URL} "}, {"a": [URL]}),
        ({"a": "HTTPS://x.example/no-extension"}, {"a": ["HTTPS://x.example/no-extension"]}),
        ({"a": Path("/x/y.png"), "b": ("/1.txt", "/2.md")}, {"a": ["/x/y.png"], "b": ["/1.txt", "/2.md"]}),
        ({"a": None, "b": "", "c": "None", "d": [], "e": [None, "", "/x.png"]}, {"e": ["/x.png"]}),
        (json.dumps({"a": ["/x.png"]}), {"a": ["/x.png"]}),
        ("None", {}),
        ("", {}),
        (None, {}),
        ({}, {}),
    ],
    ids=str,
)
def test_what_is_given(given: object, found: dict[str, list[str]]) -> None:
    assert addresses(given) == found


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["/x.png"], r"files is \['/x.png'\]; allowed: a dict, or a template"),
        ("{'a': 1}", "files is .*; allowed: a dict, or a template that makes JSON of one"),
        ({5: "/x.png"}, "a name in files is 5; allowed: text"),
        ({" ": "/x.png"}, "a name in files is"),
        ({"a": 5}, r"files\['a'\] is 5; allowed: one path"),
        ({"a": b"/x.png"}, r"files\['a'\] is b'/x.png'"),
        ({"a": ["/x.png", {}]}, r"files\['a'\] is {}"),
        ({"a": "/x"}, "allowed: files of the types that Wiro takes, by their extension: csv, docx"),
        ({"a": "/x.png/"}, "by their extension"),
        ({"a": "/x.exe"}, "by their extension"),
        ({"a": "/x.zip"}, "A zip is unpacked by Wiro: give its files"),
        ({"a": "data:image/png;base64,AAAA"}, r"files\['a'\] is .*; allowed: one path"),
        ({"a": "http:/x.png"}, "allowed: one path"),
        ({"a": "https://x example/y.png"}, "allowed: one path"),
        ({"a": "/x\0.png"}, "allowed: one path"),
        ({"a": "s3://b/x.png::y.png"}, "without '::', at which fsspec cuts a path off"),
    ],
)
def test_what_is_refused(given: object, said: str) -> None:
    with pytest.raises(WiroInputError, match=said):
        file_inputs(given)


@pytest.mark.parametrize(
    ("files", "inputs"),
    [
        ({"inputImage": "/x.png"}, {"inputImage": URL}),
        ({"inputImage": "/x.png"}, {"inputImageUrl": URL}),
        ({"inputImageUrl": "/x.png"}, {"inputImage": [URL]}),
        ({"inputImage": "/x.png", "inputImageUrl": "/y.png"}, {}),
    ],
)
def test_the_same_input_twice_is_refused(files: dict[str, Any], inputs: dict[str, Any]) -> None:
    with pytest.raises(WiroInputError, match=r"inputImage.* is given twice"):
        refuse_both(file_inputs(files), inputs)


def test_other_inputs_are_no_conflict() -> None:
    refuse_both(file_inputs({"inputImage": "/x.png", "inputImage2": "/y.png"}), {"inputImage3Url": URL, "prompt": "x"})


@pytest.mark.parametrize("path", ["s3://AKIA:hunter2@bucket/x.png", "s3://AKIA:hun/ter2@bucket/x.png"])
def test_a_password_before_the_host_is_refused_and_not_shown(path: str) -> None:
    with pytest.raises(
        WiroInputError, match=r"s3://….*; what stands before '@' is the id of an Airflow connection"
    ) as caught:
        file_inputs({"inputImage": path})
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize("path", ["/x.png", "./x.png", "~/x.png", "s3://bucket/x.png", "file:///x.png", "gs://b/x.png"])
def test_a_path_where_a_url_is_wanted_says_which_argument_takes_it(path: str) -> None:
    with pytest.raises(WiroInputError, match=r"an http\(s\) URL. A path goes into files=\{'inputImageUrl'"):
        refuse_paths({"inputImageUrl": path})


@pytest.mark.parametrize("value", [URL, "HTTP://x.example/y", "Runway_input_2.png", "", 5, ["/x"]])
def test_what_else_is_sent_as_a_url_is_the_models_affair(value: object) -> None:
    refuse_paths({"inputImageUrl": value, "inputImage": "/x.png"})


def test_a_source_is_shown_without_user_and_query() -> None:
    assert Source(URL).shown == "https://x.example/a.png"
    assert Source("s3://key:secret@bucket/a.png").shown == "s3://bucket/a.png"
    assert "secret" not in repr(Source(URL)) + repr(Source("s3://key:secret@bucket/a.png"))


@pytest.mark.parametrize(
    ("address", "name"),
    [("/x/first frame.PNG", "first_frame.png"), ("s3://b/é\r\n\".jpeg", "_.jpg"), ("/x/.png", "file.png")],
)  # fmt: skip
def test_the_name_under_which_it_is_sent_is_plain(address: str, name: str) -> None:
    assert Source(address).sent_name == name


def test_each_type_is_sent_under_an_extension_that_wiro_takes() -> None:
    assert {FILE_TYPES[kind.sent_as].content_type == kind.content_type for kind in FILE_TYPES.values()} == {True}


def of(files: dict[str, list[str]], **fields: Any) -> Work:
    return work(files=files, **fields)


def test_the_work_is_that_of_the_content() -> None:
    first = of({"image": [f"sha256:{SHA}"]})
    for version in (1, 2):
        assert first.fingerprint(version) == of({"image": [f"sha256:{SHA}"]}).fingerprint(version)
        others = [work(), of({"image": [f"sha256:{OTHER}"]}), of({"picture": [f"sha256:{SHA}"]})]
        assert first.fingerprint(version) not in [other.fingerprint(version) for other in others]
    assert of({}).fingerprint(2) == work().fingerprint(2), "a record without files is compared as before"


def test_a_key_stands_for_the_files_too() -> None:
    prints = {of({"image": [f"sha256:{sha}"]}, key="ride").fingerprint(2) for sha in (SHA, OTHER)}
    assert prints == {work(key="ride").fingerprint(2)}


def test_a_record_of_0_1_0_is_not_of_work_with_files() -> None:
    from airflow_provider_wiro.core.recall import Service, service_of

    with_file = replace(intent(), work=of({"image": [f"sha256:{SHA}"]}))
    assert not of_0_1_0(intent()).is_same_work(with_file)
    assert service_of(of_0_1_0(intent()), with_file) is Service.UNKNOWN


@pytest.mark.parametrize(
    ("sha", "prompt", "said"),
    [
        (SHA, "A windmill", "its inputs were different (prompt)"),
        (OTHER, "A lighthouse", "its inputs were different (image)"),
        (SHA, "A lighthouse", "its files, service or idempotency_key was different"),
    ],
)
def test_only_what_really_differs_is_named(sha: str, prompt: str, said: str) -> None:
    sent = {"prompt": "A lighthouse", "image": "", "imageUrl": "https://cdn.wiro.ai/a.png"}
    record = replace(intent(sent), uploads={SHA: "https://cdn.wiro.ai/a.png"})
    wanted = replace(intent({"prompt": prompt}), work=of({"image": [f"sha256:{sha}"]}, inputs={"prompt": prompt}))
    assert _difference(record, wanted) == said


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"list": []}, {"list": [5]}, {"list": {"url": URL}}, {"list": [{"url": "x.png"}]},
     {"list": [{"url": "file:///x"}]}, {"result": False, "errors": [], "list": [{"url": URL}]}],
)  # fmt: skip
def test_an_answer_without_a_url_is_no_upload(body: object) -> None:
    assert uploaded_url(reply(body)) is None


def test_an_answer_names_the_url() -> None:
    assert uploaded_url(reply({"result": True, "errors": [], "list": [{"url": URL}]})) == URL
