"""The judge behind its pipe: many questions are written before their answers are read."""

import json
import os
import select
import subprocess

# A pipe holds 64 KiB. What is asked at once fits it, so that writing never waits for the judge, who may be waiting for
# us to read. A question that alone is longer is asked alone: the judge reads it whole before it answers.
AT_ONCE = 60_000
# No question takes a second; a minute is for a machine that does other things meanwhile.
PATIENCE = 60


class Silence(Exception):
    """The judge crashed or did not answer in time."""


class Judge:
    def __init__(self, program):
        self._program = program
        self._process = None
        # How many questions were answered.
        self.answered = 0
        self.start()

    def start(self):
        """Also drops what earlier sessions left in its memory."""
        self.stop()
        self._process = subprocess.Popen([self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        self._out = self._process.stdout.fileno()
        self._rest = b""
        self._lines = []

    def stop(self):
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdin.close()
            self._process.stdout.close()

    def write(self, lines):
        """Asks questions that stand as bytes, one a line."""
        try:
            while lines:
                lines = lines[os.write(self._process.stdin.fileno(), lines) :]
        except BrokenPipeError:
            # Reading notices it too, and knows which question it was.
            pass

    def read(self):
        """The next answer."""
        while not self._lines:
            ready, _, _ = select.select([self._out], [], [], PATIENCE)
            part = os.read(self._out, 1 << 16) if ready else b""
            if not part:
                raise Silence("no answer in time" if not ready else f"it ended with {self._process.wait()}")
            *lines, self._rest = (self._rest + part).split(b"\n")
            self._lines = lines[::-1]
        self.answered += 1
        return json.loads(self._lines.pop())


def line(question):
    return json.dumps(question).encode() + b"\n"
