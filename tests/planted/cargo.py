"""Builds tests of the copy and runs them, and says what they found."""

import os
import re
import signal
import subprocess
from dataclasses import dataclass

# These builds live for one test each, so they are to be made quickly; dependencies are built once.
PROFILE = ["--config", 'profile.dev.package."*".opt-level=1']
ENVIRONMENT = {"CARGO_PROFILE_DEV_OPT_LEVEL": "0", "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_INCREMENTAL": "1"}
# Seconds. The slowest of the tests takes a few; what hangs has found nothing.
PATIENCE = 180


class CannotBuild(Exception):
    """The compiler's errors."""


@dataclass
class Run:
    passed: set[str]
    failed: set[str]
    output: str

    @property
    def panic(self):
        """Where the test said that something does not hold, and what; empty if it ended in another way."""
        found = re.search(r"panicked at ([^\n]*)\n([^\n]*)", self.output)
        return " ".join(found.groups()) if found else ""


class Cargo:
    def __init__(self, folder, target):
        self.folder = folder
        self.environment = {**os.environ, **ENVIRONMENT, "CARGO_TARGET_DIR": str(target)}

    def build(self, binary):
        package, *target = binary
        command = ["test", "--no-run", "--quiet", *PROFILE, "--locked", "--package", package, *target]
        status, _, errors = self._cargo(*command)
        if status != 0:
            lines = [line for line in errors.splitlines() if line.startswith("error")]
            raise CannotBuild("\n".join(lines[:5]) or errors[-2000:])

    def run(self, binary, names):
        """Runs exactly these tests of a binary that is built."""
        package, *target = binary
        command = ["test", "--quiet", *PROFILE, "--locked", "--package", package, *target, "--"]
        _, output, _ = self._cargo(
            *command, "--exact", "--include-ignored", "--format=pretty", *sorted(names), patience=PATIENCE
        )
        lines = re.findall(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED)$", output, re.MULTILINE)
        passed = {name for name, result in lines if result == "ok"}
        failed = {name for name, result in lines if result == "FAILED"}
        return Run(passed, failed, output)

    def _cargo(self, *arguments, patience=None):
        """Status, standard output and standard error; what has not ended in time is ended, with all that it began."""
        process = subprocess.Popen(
            ["cargo", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        try:
            output, errors = process.communicate(timeout=patience)
        except BaseException as stopped:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            if not isinstance(stopped, subprocess.TimeoutExpired):
                raise
        return process.returncode, output, errors
