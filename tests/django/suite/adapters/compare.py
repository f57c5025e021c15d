"""Django's own answers beside the judge's.

The adapters replace Django's functions in place; what is compared with is a second copy of the module, which
nobody touches.
"""

import importlib.util
import sys
from types import SimpleNamespace

# What was compared, and where the answers differ: (test, what, ours, Django's).
compared = 0
differences = []
# The name of the test that is running.
current_test = None


def pristine(name):
    """A second copy of a module of Django."""
    spec = importlib.util.find_spec(name)
    module = importlib.util.module_from_spec(spec)
    # Some modules look themselves up while they are made.
    alias = f"pristine.{name}"
    module.__name__ = name
    sys.modules[alias] = module
    spec.loader.exec_module(module)
    return module


class Clock(SimpleNamespace):
    """Stands for the module `time` in a copy."""

    def time(self):
        return self.now


def same(what, ours, *django):
    """Notes whether ours is one of Django's answers; several are given where the clock ticks in between."""
    global compared
    compared += 1
    if ours not in django:
        differences.append((current_test, what, repr(ours), repr(django[0])))


def outcome(function, *args, **kwargs):
    """What a call returns, or the class of what it raises."""
    try:
        return function(*args, **kwargs)
    except Exception as error:
        return type(error).__name__
