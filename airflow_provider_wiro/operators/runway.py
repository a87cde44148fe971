"""Runway's models on Wiro."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from airflow_provider_wiro.core.fields import FILE_URL, Field, file_url, one_of, text, url, whole
from airflow_provider_wiro.operators.wiro import WiroRunOperator

RATIOS = ("1280:720", "720:1280", "1104:832", "832:1104", "960:960", "1584:672")
DURATIONS = ("5", "10")
MODERATIONS = ("auto", "low")


class RunwayImageToVideoOperator(WiroRunOperator):
    """Turn an image into a video with Runway gen4-turbo. **Each video costs money.**

    All arguments below are templated. XCom, waiting, stopping and errors are those of
    :class:`~airflow_provider_wiro.operators.wiro.WiroRunOperator`, whose other arguments it takes too.

    Source: https://wiro.ai/models/runway/image-to-video-gen4-turbo.

    :param prompt: what happens in the video.
    :param input_image: the video's first frame: a path (local, ``file://``, ``s3://conn@bucket/key``, ``gs://…``:
        whatever Airflow's ObjectStoragePath opens) of a file that is uploaded to Wiro right before the submission, or
        an http(s) URL. Exactly one of this and *input_image_url*; ``""`` and None count as absent.
    :param input_image_url: the same as an http(s) URL that Wiro can read, or as the bare name of a file that Wiro has.
    :param ratio: ``"1280:720"`` (default), ``"720:1280"``, ``"1104:832"``, ``"832:1104"``, ``"960:960"`` or
        ``"1584:672"``.
    :param duration: seconds of video, 5 (default) or 10.
    :param content_moderation: ``"auto"`` (default), or ``"low"`` to be less strict about public figures.
    :param seed: whole number that controls the randomness, default 0.
    :param callback_url: http(s) URL to which Wiro POSTs when the task is over; default none.
    :param inputs: further inputs, under Wiro's own names, such as ``projectid``; default none.
    :raises WiroInputError: a value is not allowed; before anything is sent.
    :raises WiroUploadError: the image cannot be read or uploaded; nothing is submitted.
    :raises WiroNoOutput: the generation succeeded, but brought no video.
    """

    template_fields: Sequence[str] = (
        "prompt",
        "input_image",
        "input_image_url",
        "ratio",
        "duration",
        "content_moderation",
        "seed",
        "callback_url",
        "inputs",
        "files",
        "wiro_conn_id",
        "idempotency_key",
        "save_to",
    )

    fields: ClassVar[tuple[Field, ...]] = (
        Field("prompt", "prompt", text, "text that is not empty", required=True),
        Field("input_image_url", "inputImageUrl", file_url, FILE_URL),
        Field("ratio", "ratio", one_of(*RATIOS), ", ".join(RATIOS)),
        Field("duration", "duration", one_of(*DURATIONS), " or ".join(DURATIONS)),
        Field("content_moderation", "contentModeration", one_of(*MODERATIONS), " or ".join(MODERATIONS)),
        Field("seed", "seed", whole, "a whole number"),
        Field("callback_url", "callbackUrl", url, "an http(s) URL"),
    )
    file_fields: ClassVar[Mapping[str, str]] = {"input_image": "inputImageUrl"}
    exactly_one: ClassVar[tuple[tuple[str, ...], ...]] = (("input_image", "input_image_url"),)
    requires_output: ClassVar[bool] = True

    def __init__(
        self,
        *,
        prompt: str,
        input_image: str | None = None,
        input_image_url: str | None = None,
        ratio: str = "1280:720",
        duration: int | str = 5,
        content_moderation: str = "auto",
        seed: int | str = 0,
        callback_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(model="Runway/image-to-video-gen4-turbo", **kwargs)
        self.prompt = prompt
        self.input_image = input_image
        self.input_image_url = input_image_url
        self.ratio = ratio
        self.duration = duration
        self.content_moderation = content_moderation
        self.seed = seed
        self.callback_url = callback_url
        self.check_fields()
