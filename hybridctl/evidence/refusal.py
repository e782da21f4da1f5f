"""Why no shell of ours answered: in ssh's own words, or in those of what answered in its place."""

import re

__all__ = ["last_line", "refusal"]

_MOST = 300  # letters of a reason
# ssh names the file and line that has the other key, in a block whose last line does not say that anything changed.
_CHANGED = re.compile(rb"IDENTIFICATION HAS CHANGED.*?^Offending \S+ key in (\S+)", re.DOTALL | re.MULTILINE)
# What sshpass ends with by itself, without a word.
_SSHPASS = {5: "the password was refused", 6: "its host key is not known"}


def refusal(status: int, errors: bytes, before: bytes) -> str:
    """Return the reason.

    Args:
        status: of ssh, 255 when it speaks for itself, below 0 when a signal ended it; any other is that of the login
            shell or of sshpass.
        errors: what came on stderr.
        before: the last line that came on stdout in place of our shell's greeting.
    """
    said = last_line(errors)
    if changed := _CHANGED.search(errors):
        return f"{said} It shows another key than {changed[1].decode(errors='replace')} has"
    if status in _SSHPASS and not said:
        return _SSHPASS[status]
    if status == 255 or status < 0:
        return said or f"ssh ended with status {status}"
    return f"the login shell does not run /bin/sh (status {status}): {said or last_line(before) or 'it says nothing'}"


def last_line(text: bytes) -> str:
    """Return the last line that says anything."""
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1][:_MOST] if lines else ""
