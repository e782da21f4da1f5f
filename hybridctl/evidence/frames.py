"""One trip's answer: read frames as they come in, whatever a profile, a banner or a job prints between them."""

import base64
import binascii
import re
from collections.abc import Iterator

from hybridctl.evidence.answers import Answer, Told, Trouble
from hybridctl.evidence.script import MOST_STDERR

__all__ = ["MOST_OUTPUT", "Frames"]

MOST_OUTPUT = 32 << 20  # bytes of one command
_LINE = 76  # characters of a full line of base64
_STATUS = re.compile(rb"#([sb])(\d{1,3})#")


class Frames:
    """Reads one trip.

    Attributes:
        greeted: our shell has begun.
        before: the last line that something else printed before that, such as a login shell that refuses.
        underway: number of the command whose frame is open.
        flooded: that command printed more than `MOST_OUTPUT`; nothing more is read.
    """

    def __init__(self, mark: str, count: int) -> None:
        self.greeted = False
        self.before = b""
        self.flooded = False
        self.underway: int | None = None
        self._mark, self._count = mark.encode() + b" ", count
        self._rest = b""
        self._lines: list[bytes] = []
        self._output: list[bytes] | None = None  # complete, while errors are read
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, Told]]:
        """Take what came in; yield the number and the answer of each command whose frame is complete."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MOST_OUTPUT:
            self._rest = b""  # noise without end
        for line in lines:
            if self.flooded:
                return
            if line.startswith(self._mark):
                yield from self._framed(line[len(self._mark) :].split())
            elif self.underway is not None:
                self._lines.append(line)
                self._size += len(line)
                self.flooded = self._size > MOST_OUTPUT * 4 // 3
            elif not self.greeted:
                self.before = line.strip() or self.before

    def _framed(self, words: list[bytes]) -> Iterator[tuple[int, Told]]:
        if words == [b"hello"]:
            self.greeted = True
            return
        number = int(words[1]) if len(words) == 2 and words[1].isdigit() else -1
        if not 0 <= number < self._count:
            return
        if words[0] == b"begin":
            self.underway, self._lines, self._output, self._size = number, [], None, 0
        elif words[0] == b"err" and number == self.underway and self._output is None:
            self._output, self._lines = self._lines, []
        elif words[0] == b"end" and number == self.underway and self._output is not None:
            told = _told(self._output, self._lines)
            self.underway, self._lines, self._output = None, [], None
            yield number, told


def _told(output: list[bytes], errors: list[bytes]) -> Told:
    """Return the answer; what is not whole is none."""
    statuses = [status for line in errors for status in _STATUS.findall(line)]
    if sorted(kind for kind, _ in statuses) != [b"b", b"s"]:
        return Trouble("a command's exit status did not come back, or came twice")
    status = dict(statuses)
    if status[b"b"] != b"0":
        return Trouble(f"base64 ended with status {status[b'b'].decode()} there: a command's output is not whole")
    try:
        stdout = _decoded(output)
        stderr = _decoded([rest for line in errors if (rest := _STATUS.sub(b"", line))])
    except binascii.Error:
        return Trouble("something else printed into a command's output")
    if len(stderr) >= MOST_STDERR:
        return Trouble(f"a command printed more than {MOST_STDERR >> 20} MiB of errors")
    return Answer(int(status[b"s"]), stdout, stderr)


def _decoded(lines: list[bytes]) -> bytes:
    """Return what base64 wrote, without the dot at its end.

    Raises:
        binascii.Error: a line that is not full stands before the last one, or the dot is missing.
    """
    text = base64.b64decode(b"".join(lines), validate=True)
    if any(len(line) != _LINE for line in lines[:-1]) or not text.endswith(b"."):
        raise binascii.Error
    return text[:-1]
