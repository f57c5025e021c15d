"""What an entry of the list says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class Expected:
    """Our answer to a case."""

    outcome: Any


@dataclass
class Deviation:
    # As `docs/django.md` lists it.
    name: str
    functions: tuple[str, ...]
    reason: str
    # `None` if the case is none of these; otherwise what we answer, or the case for which we take it. Several entries may
    # change one case, in the order of the list.
    instead: Callable[[dict], Any]
    # Newer Pythons answer as we do: there it is not met.
    older_python: bool = False
