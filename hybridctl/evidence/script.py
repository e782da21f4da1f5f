"""One trip's question: a script that runs many commands and frames what each prints.

It needs sh, timeout and base64 on the host, and no file there: /tmp may be full.
"""

from collections.abc import Sequence
from shlex import join, quote

__all__ = ["MOST_STDERR", "become", "greeting", "questions"]

MOST_STDERR = 1 << 20  # bytes; it passes through a variable of the shell
_CHUNK = 30_000  # characters; Linux takes at most 131,072 bytes in one argument, and UTF-8 may need 4 for each

# fd 3: where frames go; 4: the command's errors; 5: around them, for exit statuses. Output is base64, so that nothing a
# command prints looks like a frame; marks with # cannot be part of it, wherever between its blocks they fall. A dot
# after output and errors shows that they are whole. Most commands print no errors: Lg== is the dot alone, and saves a
# program; what it costs is a NUL in the first line of errors, which a shell cannot keep.
_ONE = r"""one() {
  printf '%s begin %s\n' "$m" "$1"
  e=$({ {
    { timeout -k 5 "$2" /bin/sh -c "$3" </dev/null 2>&4 3>&- 4>&- 5>&-; printf '#s%s#' "$?" >&5; printf .; } |
      base64 >&3 4>&- 5>&-
    printf '#b%s#' "$?" >&5
  } 4>&1 | head -c MOST_STDERR | if IFS= read -r l; then { printf '%s\n' "$l"; cat; printf .; } | base64
    elif [ -n "$l" ]; then printf %s. "$l" | base64
    else echo Lg==; fi; } 5>&1)
  printf '%s err %s\n%s\n%s end %s\n' "$m" "$1" "$e" "$m" "$1"
}
"""


def greeting(mark: str) -> str:
    """Return what says that a shell of ours has begun, whatever a profile or a banner printed before it."""
    return f"printf '\\n%s hello\\n' {quote(mark)}\n"


def questions(commands: Sequence[str], limits: Sequence[int], mark: str) -> str:
    """Return the lines that run the commands in turn.

    Args:
        limits: seconds, one for each command; it is ended then, and 5 s later killed.
        mark: unique to this trip; it begins every line that frames.
    """
    lines = [f"m={quote(mark)}\nexec 3>&1\n", _ONE.replace("MOST_STDERR", str(MOST_STDERR))]
    lines += [
        f"one {number} {limit} {quote(command)}\n"
        for number, (command, limit) in enumerate(zip(commands, limits, strict=True))
    ]
    return "".join(lines)


def become(body: str, sudo: Sequence[str], user: str, password: str | None) -> str:
    """Return the lines that run `body` as another user.

    The body travels in arguments: sudo's stdin ends after the password, so that a wrong one is tried once, and one that
    sudo did not ask for is read by nobody. The password is in no argument: printf is the shell's own.
    """
    chunks = [body[at : at + _CHUNK] for at in range(0, len(body), _CHUNK)]
    ask = ["-n"] if password is None else ["-S", "-p", ""]
    shell = ["/bin/sh", "-c", 'IFS=; eval "$*"', "sh"]
    line = join([*sudo, *ask, "-u", user, *shell, f"unset IFS\n{chunks[0]}", *chunks[1:]])
    return f"{line} </dev/null\n" if password is None else f"printf '%s\\n' {quote(password)} | {line}\n"
