"""Which words in the reason of a failure say that content moderation has refused the work.

``FLAGS`` is the rule. A row is about one line of what Wiro says. Such work fails again however often it is tried, and
Runway suspends accounts that try it too often, so it is never tried again by itself. A moderation that was not there
is another thing: ``NO_MODERATION`` takes its words out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from airflow_provider_wiro.core.text import foreign

# Of a longer text, the beginning and the end: an error is told at the end, or is all there is.
MOST_READ = 20_000

NO_MODERATION = re.compile(
    r"\b(timed? ?out|timeout|unavailable|unreachable|internal (?:server )?error|service error|connection|disabled)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class FlagRule:
    """One row.

    :param pattern: what a line has.
    :param example: such a line.
    """

    name: str
    pattern: re.Pattern[str]
    example: str


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


FLAGS: tuple[FlagRule, ...] = (
    FlagRule(
        "Runway's codes `SAFETY.*`, `*.SAFETY` and `*.SAFETY.*`",
        re.compile(r"(?<![\w.])(?:[A-Z_]+\.)*(?:SAFETY(?:\.[A-Z_]+)+|(?<=[A-Z_]\.)SAFETY)\b"),
        "SAFETY.INPUT.TEXT",
    ),
    FlagRule(
        "a code of content safety of another maker",
        re.compile(
            r"\b(?:content_policy_violation|moderation_blocked|PROHIBITED_CONTENT|IMAGE_SAFETY|CONTENT_FILTERED"
            r"|PUBLIC_ERROR_UNSAFE_GENERATION|DataInspectionFailed|\w*SensitiveContentDetected\w*)\b"
        ),
        "Error code: 400 - moderation_blocked",
    ),
    FlagRule(
        "something was flagged",
        _words(
            r"\b(?:was|were|is|are|been|got|inputs?|outputs?|prompts?|contents?|images?|videos?|requests?|material)"
            r" flagged\b"
            r"|\bflagged (?:as|by)\b"
        ),
        "The input or output was flagged as sensitive. Please try again with different inputs.",
    ),
    FlagRule(
        "moderation refused it",
        _words(
            r"\b(?:rejected|blocked|refused|denied|stopped|(?:not|fail(?:ed|s)? to) pass)\b.{0,60}\bmoderation\b"
            r"|\bmoderation\b.{0,40}\b(?:rejected|blocked|refused|denied|failed|not passed|violation)\b"
            r"|\b(?:requests?|contents?|prompts?|inputs?|outputs?|images?|videos?) (?:was |were )?moderated\b"
        ),
        "Text did not pass content moderation.",
    ),
    FlagRule(
        "it violates a policy of use, content or safety",
        _words(
            r"\bviolat\w+.{0,80}\b(?:content|usage|use|safety|community|responsible ai|moderation|our)\b.{0,30}"
            r"\b(?:polic(?:y|ies)|guidelines?|practices|standards|rules|guardrails)"
            r"|\b(?:content|usage|safety) polic(?:y|ies)\b.{0,40}\bviolat\w+"
        ),
        "This request violates our usage guidelines.",
    ),
    FlagRule(
        "a safety system or a content filter refused it",
        _words(
            r"\b(?:rejected|blocked|refused|filtered|removed|stopped|triggered)\b.{0,60}"
            r"\b(?:safety|content) (?:system|filters?|checker|settings|reasons|polic(?:y|ies))"
            r"|\b(?:safety|content) (?:system|filters?|checker)\b.{0,30}\b(?:rejected|blocked|refused|triggered)"
            r"|\bresponsible ai\b|\brisk control\b"
        ),
        "Your request was rejected as a result of our safety system.",
    ),
    FlagRule(
        "it is NSFW, sensitive, or inappropriate",
        _words(
            r"\bNSFW (?:content|material|image)\b|\bNSFW (?:was )?detected\b"
            r"|\b(?:inputs?|outputs?|prompts?|images?|videos?|audio|text|contents?|requests?)\b.{0,40}"
            r"\bsensitive (?:content|information|words?|material)\b"
            r"|\b(?:inputs?|outputs?) new_sensitive\b|\binappropriate content\b"
        ),
        "The request failed because the output video may contain sensitive information.",
    ),
)


def flag_in(said: str) -> str | None:
    """Return the line of *said* by which content moderation refused the work; None if there is none."""
    read = said if len(said) <= 2 * MOST_READ else f"{said[:MOST_READ]}\n{said[-MOST_READ:]}"
    return next((foreign(line) for line in read.splitlines() if rule_in(line) is not None), None)


def rule_in(line: str) -> FlagRule | None:
    """Return the row that *line* is about; None if it is about none."""
    if NO_MODERATION.search(line):
        return None
    return next((rule for rule in FLAGS if rule.pattern.search(line)), None)
