"""Asks the judge and Django about the same cases, and counts."""

import json
import time
from collections import Counter

from deviations import DEVIATIONS, Expected
from judge import AT_ONCE, Silence, line

# The clock stands still for Django and goes on for us.
clock = time.monotonic
# Of each function's differences this many are shown.
SHOWN = 5


class Tally:
    """What came of one function's cases."""

    def __init__(self, function):
        self.function = function
        self.cases = self.accepted = self.unexplained = 0
        self.deviations = Counter()
        self.seconds = 0.0
        self._began = clock()
        self._known = [deviation for deviation in DEVIATIONS if function.name in deviation.functions]

    def count(self, case, ours, django):
        self.cases += 1
        self.accepted += not raised(django) and self.function.accepts(django)
        # Texts of one form are equal or not; the rest must be looked at closely.
        if ours is django or repr(ours) == repr(django) or canonical(ours) == canonical(django):
            return
        self._differ(case, ours, django)

    def _differ(self, case, ours, django):
        names, expected = self._deviating(case)
        if names and canonical(ours) == canonical(expected):
            self.deviations.update(names)
            return
        self.unexplained += 1
        if self.unexplained <= SHOWN:
            # A line that `--replay` reads, and both answers.
            print(json.dumps({"function": self.function.name, "case": case, "ours": ours, "django": django}))

    def _deviating(self, case):
        """Which deviations a case meets, and what we should answer for them."""
        names = []
        for deviation in self._known:
            instead = deviation.instead(case)
            if instead is None:
                continue
            names.append(deviation.name)
            if isinstance(instead, Expected):
                return names, instead.outcome
            case = instead
        return names, django(self.function, case) if names else None

    def finish(self):
        self.seconds = clock() - self._began

    def problems(self, few_accepted=True):
        if self.unexplained:
            yield f"{self.function.name}: {self.unexplained} answers are not Django's"
        if few_accepted and self.accepted * 5 < self.cases:
            yield f"{self.function.name}: Django accepted {self.accepted} of {self.cases} cases, less than a fifth"


def compare(judge, function, cases):
    tally = Tally(function)
    for batch in batches(function, cases):
        # The judge works while Django does.
        judge.write(b"".join([question for _, questions in batch for question in questions]))
        expected = [django(function, case) for case, _ in batch]
        for place, (case, questions) in enumerate(batch):
            try:
                answers = [judge.read() for _ in questions]
            except Silence as silence:
                tally.count(case, {"silence": str(silence)}, expected[place])
                judge.start()
                judge.write(b"".join([question for _, questions in batch[place + 1 :] for question in questions]))
                continue
            tally.count(case, ours(function, case, answers), expected[place])
    tally.finish()
    return tally


def batches(function, cases):
    """Cases with their questions, as many at once as a pipe holds."""
    batch, size = [], 0
    for case in cases:
        questions = [line(question) for question in function.ask(case)]
        length = sum(map(len, questions))
        if batch and size + length > AT_ONCE:
            yield batch
            batch, size = [], 0
        batch.append((case, questions))
        size += length
    if batch:
        yield batch


def django(function, case):
    try:
        return function.django(case)
    except Exception as error:  # Where Django raises, its page answers 500.
        return {"raises": type(error).__name__}


def canonical(outcome):
    """A text, because Python holds True and 1 for equal, and -0.0 and 0.0."""
    return json.dumps(outcome, sort_keys=True)


def raised(outcome):
    return isinstance(outcome, dict) and "raises" in outcome


def ours(function, case, answers):
    for answer in answers:
        if answer.get("error") == "question":
            raise RuntimeError(f"the judge cannot take {case}: {answer}")
    try:
        return function.ours(case, answers)
    except Exception as error:  # What we wrote Django cannot read.
        return {"unreadable": type(error).__name__}
