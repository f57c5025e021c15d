"""What is compared: one rule of core and Django's."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def single(case, answers):
    """The only answer; of a refusal its kind."""
    (answer,) = answers
    return answer["answer"] if "answer" in answer else {"error": answer["error"]}


def not_refused(outcome):
    return not (isinstance(outcome, dict) and "error" in outcome)


@dataclass
class Function:
    name: str
    # A case is plain JSON, so that it can be printed, kept and replayed.
    generate: Callable[[Any], dict]
    # What the judge is asked about a case.
    ask: Callable[[dict], list[dict]]
    # What Django makes of it. Whatever it raises that is not caught there counts as `{"raises": class}`.
    django: Callable[[dict], Any]
    # The judge's answers in the form of Django's outcome.
    ours: Callable[[dict, list], Any] = single
    # Whether Django took the input for good: at least a fifth must be.
    accepts: Callable[[Any], bool] = not_refused
    quick: int = 10_000
    full: int = 1_000_000
