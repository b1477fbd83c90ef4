import json
import os
import subprocess
import tempfile
import weakref

from ._binary import binary
from ._errors import RmrlError

_alive = weakref.WeakSet()


class Process:
    """`rmrl ARGUMENTS`, which answers a JSON line with one.

    It ends with this object, with the interpreter, and where Python is killed: its standard input
    closes then, and it exits. For that, no other process may hold the other end (see _after_fork).
    """

    def __init__(self, *arguments):
        self.command = ["rmrl", *map(str, arguments)]
        # A file and no pipe: nobody has to read it while the program works.
        self._said = tempfile.TemporaryFile()
        program = binary()
        try:
            self._process = subprocess.Popen(
                [program, *self.command[1:]],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                start_new_session=True,  # Ctrl-C is Python's to handle.
            )
        except OSError as error:
            raise RmrlError(f"{program}: cannot be started ({error.strerror})") from error
        self._owner = os.getpid()
        self.close = weakref.finalize(self, _end, self._process, self._said, self._owner)
        _alive.add(self)

    @property
    def pid(self):
        return self._process.pid

    def ask(self, **question):
        self.send(**question)
        return self.receive()

    def ask_each(self, questions):
        """One question a world, or one for all of them; as many answers."""
        self._write(questions)
        answers = self._read(list)
        for answer in answers:
            if "error" in answer:
                self.close()  # The other worlds have gone on.
                raise RmrlError(answer["error"])
        return answers

    def send(self, **question):
        """Asks without waiting; `receive` must follow."""
        self._write(question)

    def _write(self, question):
        if os.getpid() != self._owner:
            raise RmrlError(f"{self}: belongs to another process; make one of your own")
        if not self.close.alive:
            raise RmrlError(f"{self}: closed")
        try:
            self._process.stdin.write(json.dumps(question, allow_nan=False).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            raise self._died() from None

    def receive(self):
        return self._read(dict)

    def _read(self, kind):
        try:
            line = self._process.stdout.readline()
        except BaseException:
            self.close()  # The answer that is still to come would be taken for the next one.
            raise
        if not line.endswith(b"\n"):
            raise self._died()
        try:
            answer = json.loads(line)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and "error" in answer:
            raise RmrlError(answer["error"])
        if not isinstance(answer, kind):
            self.close()
            raise RmrlError(f"{self}: answered {line[:60]!r}, which is no JSON object; is it rmrl?")
        return answer

    def _died(self):
        """The last words of a program that has gone."""
        try:
            code = self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            code = None
        self._said.seek(max(0, self._said.seek(0, os.SEEK_END) - 4000))
        said = last_words(self._said.read().decode(errors="replace"))
        self.close()
        how = "stopped answering" if code is None else f"ended with exit code {code}"
        return RmrlError(said or f"{self}: {how}")

    def __str__(self):
        return f"`{' '.join(self.command)}`"


def last_words(said):
    """What the program says is wrong, without its name and the advice for a shell."""
    said = said.partition("For more information, try")[0].strip()
    return said.removeprefix("rmrl: ").removeprefix("error: ")


def _end(process, said, owner):
    if os.getpid() != owner:
        return
    for pipe in (process.stdin, process.stdout):
        try:
            pipe.close()
        except OSError:
            pass  # It had gone already.
    try:
        process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    said.close()


def _after_fork():
    """A forked child lets go of the pipes: else the program would outlive its owner."""
    for one in list(_alive):
        process = one._process
        for pipe in (process.stdin, process.stdout):
            try:
                pipe.detach().close()
            except (OSError, ValueError):
                pass  # It was closed before.


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
