"""The pipe to the judge: a question a line, an answer a line, and calls back in between."""

import json
import os
import subprocess
import threading


class Fault(Exception):
    """There is no answer; `kind` says why."""

    def __init__(self, kind, detail):
        super().__init__(f"{kind}: {detail}")
        self.kind = kind
        self.detail = detail


class Pipe:
    def __init__(self):
        self._process = None
        # A call back may ask in turn, on the same thread.
        self._lock = threading.RLock()
        self._calls = {}
        self._raised = None
        # How many questions the judge has answered.
        self.asked = 0

    def start(self, program):
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8", bufsize=1
        )

    def stop(self):
        self._process.stdin.close()
        self._process.stdout.close()
        return self._process.wait(timeout=10)

    def answers(self, function):
        """Registers what is called back under the function's name."""
        self._calls[function.__name__.strip("_")] = function
        return function

    def ask(self, op, **fields):
        with self._lock:
            self._write({"op": op, **fields})
            while True:
                line = self._read()
                if "call" not in line:
                    break
                self._call(line)
            self.asked += 1
        if "error" in line:
            if line["error"] in ("question", "handle", "pending"):
                raise RuntimeError(f"the judge cannot take {op}: {line}")
            raised, self._raised = self._raised, None
            if line["error"] == "store" and raised is not None:
                raise raised
            raise Fault(line["error"], line["detail"])
        return line["answer"]

    def _call(self, line):
        try:
            reply = {"reply": self._calls[line["call"]](**line["with"])}
        except Exception as error:  # The judge reports a store that failed; `ask` raises this again.
            self._raised = error
            reply = {"failure": True}
        self._write(reply)

    def _write(self, line):
        # Lazy strings are no `str`.
        self._process.stdin.write(json.dumps(line, default=str) + "\n")
        self._process.stdin.flush()

    def _read(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the judge has ended")
        return json.loads(line)


pipe = Pipe()
ask = pipe.ask


def judge_program():
    folder = os.path.dirname(__file__)
    return os.path.abspath(os.path.join(folder, "../../../../target/debug/cloakroom-judge"))
