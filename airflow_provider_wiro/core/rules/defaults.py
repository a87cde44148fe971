"""The values that a model takes where an input is not sent: Wiro may show them beside the inputs that were."""

from __future__ import annotations

from collections.abc import Mapping

# By the model's slug. Source: https://wiro.ai/models/runway/image-to-video-gen4-turbo.
DEFAULTS: Mapping[str, Mapping[str, object]] = {
    "runway/image-to-video-gen4-turbo": {
        "prompt": "A miniature steam engine train travels along winding model railroad tracks, "
        "releasing gentle puffs of smoke into the air.",
        "ratio": "1280:720",
        "duration": "5",
        "contentModeration": "auto",
        "seed": 0,
    },
}
