"""The copy of the sources in which bugs are planted."""

import subprocess
from contextlib import contextmanager


class Tree:
    def __init__(self, root, folder):
        self.root = root
        self.folder = folder

    def mirror(self):
        """Makes the folder what the checkout is, but for what git ignores: also with what is not committed yet.

        A file that is the same already is left alone, so that cargo does not build it again. A bug that a run left
        behind when it was stopped is taken out by this.
        """
        list_files = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(list_files, cwd=self.root, check=True, capture_output=True)
        names = {name for name in listed.stdout.decode().split("\0") if name and (self.root / name).is_file()}
        for name in names:
            source, copy = self.root / name, self.folder / name
            content = source.read_bytes()
            if not copy.is_file() or copy.read_bytes() != content:
                copy.parent.mkdir(parents=True, exist_ok=True)
                copy.write_bytes(content)
            copy.chmod(source.stat().st_mode)
        for copy in list(self.folder.rglob("*")):
            if copy.is_file() and str(copy.relative_to(self.folder)) not in names:
                copy.unlink()

    @contextmanager
    def planted(self, bug):
        """The tree with the bug in it, while the context lasts."""
        path = self.folder / bug.file
        sound = path.read_text()
        path.write_text(bug.planted_in(sound))
        try:
            yield
        finally:
            path.write_text(sound)
