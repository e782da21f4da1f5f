"""Commands of this machine that the lab runs: one that fails is an error with what it said, not a traceback."""

import subprocess
from collections.abc import Sequence

from hybridctl.errors import HybridctlError

__all__ = ["run"]

_SAID = 1500  # characters of a command's own words that an error repeats


def run(argv: Sequence[str], what: str, hint: str) -> str:
    """Run a command without input and return what it printed.

    Args:
        what: what failed, when it fails: `lab host gw1: its root file system could not be mounted`.
        hint: the remedy.

    Raises:
        HybridctlError: it is not there or did not exit 0; with the end of its own words.
    """
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        raise HybridctlError(f"{what}: {argv[0]}: {error.strerror}", hint) from None
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip())[-_SAID:] or f"{argv[0]} exited {done.returncode}"
        raise HybridctlError(f"{what}:\n{said}", hint)
    return done.stdout
