"""Models' names: what a person writes, what goes out, and which are refused before anything is sent."""

from __future__ import annotations

import json
import re
from importlib import resources

import pytest

from airflow_provider_wiro.core.calls import submit
from airflow_provider_wiro.core.journal import Record
from airflow_provider_wiro.core.rules.realtime import REALTIME, RealtimeRule, realtime_rule
from airflow_provider_wiro.core.slugs import clean_slug, model_name, sent_slug
from airflow_provider_wiro.core.work import Work, slug
from airflow_provider_wiro.exceptions import WiroInputError
from fake_driver import FakeDriver, accepted
from records import identity, of_0_1_0, work

WRITTEN = [
    ("Runway/image-to-video-gen4-turbo", "Runway/image-to-video-gen4-turbo", "Runway/image-to-video-gen4-turbo"),
    ("runway/image-to-video-gen4-turbo", "runway/image-to-video-gen4-turbo", "runway/image-to-video-gen4-turbo"),
    ("google/veo3.1", "google/veo3.1", "google/veo3-1"),
    ("Google/Veo3-1", "Google/Veo3-1", "google/veo3-1"),
    ("wiro/Virtual Try-On", "wiro/Virtual Try-On", "wiro/virtual-try-on"),
    (
        " resemble-ai/chatterbox-multilingual ",
        "resemble-ai/chatterbox-multilingual",
        "resemble-ai/chatterbox-multilingual",
    ),
    ("wiro / Virtual  Try-On\n", "wiro/Virtual Try-On", "wiro/virtual-try-on"),
    ("wiro/flux_kontext_dev_with_2_image", "wiro/flux_kontext_dev_with_2_image", "wiro/flux_kontext_dev_with_2_image"),
    ("MiniMax/hailuo-2.3-Fast", "MiniMax/hailuo-2.3-Fast", "minimax/hailuo-2-3-fast"),
    ("openai/sora_2.1", "openai/sora_2.1", "openai/sora_2-1"),
    ("a/b", "a/b", "a/b"),
]


def made(work: Work) -> Record:
    return Record.of(work, identity(), at=1.0, conn_id="wiro_default")


@pytest.mark.parametrize(("written", "name", "sent"), WRITTEN)
def test_a_model_as_a_person_writes_it_goes_out_as_wiro_takes_it(written: str, name: str, sent: str) -> None:
    assert model_name(written) == name
    assert sent_slug(name) == sent
    assert re.fullmatch(r"[A-Za-z0-9/_-]+", sent), "it needs no escape in an address"


@pytest.mark.parametrize(("written", "name", "sent"), WRITTEN)
def test_the_submission_goes_to_that_address(written: str, name: str, sent: str) -> None:
    driver = FakeDriver([accepted()])
    driver.drive(submit(model_name(written), {}))
    assert [step.path for step in driver.sent] == [f"/Run/{sent}"]


@pytest.mark.parametrize("name", [name for _, name, _ in WRITTEN])
def test_spellings_that_go_out_the_same_are_the_same_work(name: str) -> None:
    assert slug(name) == clean_slug(name) == clean_slug(sent_slug(name))
    one, other = (made(work(model=model)) for model in (name, sent_slug(name)))
    assert one.is_same_work(other)


def test_a_record_of_0_1_0_is_compared_with_the_name_as_it_was_written() -> None:
    old = of_0_1_0(made(work(model="google/veo3.1")))
    assert old.is_same_work(made(work(model=model_name("google/veo3.1"))))
    assert not old.is_same_work(made(work(model=model_name("google/veo3-1"))))


@pytest.mark.parametrize(
    "given",
    [
        "",
        "a",
        "a/",
        "/b",
        "a/b/c",
        "../b",
        "a/..",
        "a b/c",
        "a/b?x=1",
        "a/b#",
        "a/b%2f",
        "ä/b",
        "a/ ",
        None,
        5,
        "{{ m }}",
    ],
)
def test_what_is_no_models_name_is_refused(given: object) -> None:
    with pytest.raises(WiroInputError, match=r'allowed: "owner/model"'):
        model_name(given)


@pytest.mark.parametrize("rule", REALTIME, ids=lambda rule: rule.name)
def test_each_row_about_realtime_models_decides_what_is_its_own(rule: RealtimeRule) -> None:
    assert realtime_rule(rule.example) is rule


@pytest.mark.parametrize(
    "given",
    [
        "openai/gpt-realtime",
        "openai/gpt-realtime-mini",
        "elevenlabs/Realtime Conversational AI",
        "nvidia/PersonaPlex-Realtime",
        "wiro/voxtral-mini-realtime",
        " wiro/MOSS-TTS",
    ],
)
def test_a_realtime_model_is_refused_before_anything_is_sent(given: str) -> None:
    with pytest.raises(WiroInputError, match=r"a realtime model .*Nothing was sent\. Use a model that is not realtime"):
        model_name(given)


def test_of_the_models_of_the_emulator_the_realtime_ones_are_refused_and_no_others() -> None:
    data = resources.files("airflow_provider_wiro.emulator").joinpath("models.json").read_text()
    for model in json.loads(data)["tool"]:
        is_realtime = any(category.startswith("realtime-") for category in model["categories"])
        slug = f"{model['cleanslugowner']}/{model['cleanslugproject']}"
        assert (realtime_rule(slug) is not None) is is_realtime
        assert clean_slug(f"{model['slugowner']}/{model['slugproject']}") == slug
