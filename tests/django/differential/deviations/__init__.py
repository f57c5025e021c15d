"""Where we answer otherwise than Django on purpose: the one list.

Each entry looks at the input alone. It says which answer we owe instead, or for which other input we take this one: to
that Django's answer must be ours. So an entry excuses one answer and not any.
"""

from . import cookies, forms, requests, sessions, signing, times, users
from .entry import Deviation, Expected

DEVIATIONS: list[Deviation] = [
    *signing.DEVIATIONS,
    *cookies.DEVIATIONS,
    *sessions.DEVIATIONS,
    *times.DEVIATIONS,
    *requests.DEVIATIONS,
    *forms.DEVIATIONS,
    *users.DEVIATIONS,
]

__all__ = ["DEVIATIONS", "Expected"]
