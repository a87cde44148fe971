"""Names of saved files are harmless everywhere, and no two are the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from airflow_provider_wiro.core.file_names import LONGEST, MANIFEST, harmless, told_apart
from airflow_provider_wiro.core.landing import Landed
from airflow_provider_wiro.core.parts import main_files, parts_of
from landing_results import output, result

NASTY = st.text(
    st.one_of(st.characters(), st.sampled_from('./\\:*?"<>|#%\x00\n\r\u202e\u0301 ~$con1aux²'), st.just("\ud800")),
    max_size=400,
)
ENDINGS = st.sampled_from(["", ".mp4", ".txt"])


@given(NASTY, ENDINGS)
@example("../../etc/passwd", "")
@example("/etc/passwd", ".mp4")
@example("C:\\Windows\\aux.mp4", "")
@example("a\x00.mp4", "")
@example("x" * 300, ".mp4")
@example("é" * 300 + ".mp4", "")
@example("CON", ".txt")
@example("com²", ".txt")
@example("..", "")
@example("manifest.json", "")
def test_a_name_is_harmless(name: str, ending: str) -> None:
    made = harmless(name, ending)
    assert 0 < len(made.encode()) <= LONGEST
    assert not set(made) & set('/\\:*?"<>|#%[]~')
    assert all(unicodedata.category(sign)[0] not in "C" and (sign == " " or not sign.isspace()) for sign in made)
    assert made[0] not in " ."
    assert made[-1] not in " ."
    stem = unicodedata.normalize("NFKC", made.partition(".")[0]).strip().lower()
    assert stem not in ("con", "prn", "aux", "nul", "com1", "com2", "lpt9")
    assert harmless(made) == made


@given(
    st.lists(st.one_of(NASTY, st.sampled_from(["0.mp4", "0.MP4", "0-2.mp4", "Manifest.JSON", "ß", "SS"])), max_size=30)
)
@example(["0.mp4"] * 20)
@example(["x" * 300 + ".mp4"] * 12)
@example(["manifest.json", "MANIFEST.json"])
def test_no_two_names_are_the_same_in_whatever_case(names: list[str]) -> None:
    made = told_apart(harmless(name) for name in names)
    assert len(made) == len(names)
    folded = {unicodedata.normalize("NFKC", name).casefold() for name in [*made, MANIFEST]}
    assert len(folded) == len(names) + 1
    assert all(harmless(name) == name for name in made)
    assert made == told_apart(harmless(name) for name in names)


@pytest.mark.parametrize(
    ("name", "ending", "made"),
    [
        ("0.mp4", ".mp4", "0.mp4"),
        ("a cat (1).mp4", "", "a cat (1).mp4"),
        ("猫.mp4", "", "猫.mp4"),
        ("video", ".mp4", "video.mp4"),
        ("../../0.mp4", "", "0.mp4"),
        ("a:b?.mp4", "", "a_b_.mp4"),
        ("", ".mp4", "output.mp4"),
        (".hidden", "", "hidden"),
        ("nul.mp4", "", "_nul.mp4"),
        ("x" * 300 + ".mp4", "", "x" * 251 + ".mp4"),
        ("v1.5 final", ".mp4", "v1.5 final.mp4"),
    ],
)
def test_a_name_that_is_harmless_stays(name: str, ending: str, made: str) -> None:
    assert harmless(name, ending) == made


def test_names_that_are_the_same_are_numbered() -> None:
    assert told_apart(["0.mp4", "0.MP4", "0.mp4", "0-2.mp4", "manifest.json"]) == [
        "0.mp4",
        "0-2.MP4",
        "0-3.mp4",
        "0-2-2.mp4",
        "manifest-2.json",
    ]


def test_a_result_becomes_files_and_each_output_has_its_own() -> None:
    made = result(
        output("https://cdn/x/0.mp4?a=b", "0.mp4", "video/mp4", 5),
        output("https://cdn/y/0.mp4", "0.mp4"),
        output("https://cdn/z/a%20picture", None, "image/png; q=1"),
        output(content={"answer": ["42"]}),
        output(content={"thinking": ["?"]}),
        output(),
    )
    parts = parts_of(made)
    assert [(part.name, part.output, part.content_type, part.size) for part in parts] == [
        ("0.mp4", 0, "video/mp4", 5),
        ("0-2.mp4", 1, None, None),
        ("a picture.png", 2, "image/png", None),
        ("3.txt", 3, "text/plain", None),
        ("3.json", 3, "application/json", None),
        ("4.json", 4, "application/json", None),
    ]
    landed = [Landed(f"file:///{part.name}", part.name, 1, "") for part in parts]
    assert [one and one.name for one in main_files(made, landed)] == [
        "0.mp4",
        "0-2.mp4",
        "a picture.png",
        "3.txt",
        "4.json",
        None,
    ]
