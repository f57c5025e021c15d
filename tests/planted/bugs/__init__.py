"""All bugs, in the order in which they build fastest: those of one test binary stand together."""

from importlib import import_module
from pathlib import Path

# Every file of this folder: one that nobody lists would never be planted.
PARTS = [import_module(f"{__name__}.{file.stem}") for file in sorted(Path(__file__).parent.glob("[a-z]*.py"))]
PACKAGES = ["cloakroom-core", "cloakroom-stores", "cloakroom", "cloakroom-server"]
BUGS = sorted(
    (bug for part in PARTS for bug in part.BUGS),
    key=lambda bug: (PACKAGES.index(bug.test.package), bug.test.target),
)
