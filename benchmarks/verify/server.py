"""SSH servers that replay a recorded host, for a Python with asyncssh: `server.py RECORDING KEYS PORT ADDRESS...`.

Each address is a host. What comes in is the script that `hybridctl/evidence/script.py` writes; what goes out is what
its shell would print, one command after another, each after the delay of the recording. Nothing is run.
"""

import asyncio
import json
import re
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_COMMAND = re.compile(r"^one (\d+) \d+ (.*?)\n(?=one \d+ \d+ |\}\n\Z)", re.DOTALL | re.MULTILINE)
_HELLO = re.compile(r"^printf '\\n%s hello\\n' (\S+)$", re.MULTILINE)
_NOT_RECORDED = ("Lg==\n", "#s127##b0#Lg==\n")


def frames(script: str, recorded: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return the greeting and the frame of each command of a script."""
    found = _HELLO.search(script)
    if found is None:
        return []
    mark, printed = found[1], [f"\n{found[1]} hello\n"]
    for number, command in _COMMAND.findall(script):
        output, errors = recorded.get(command, _NOT_RECORDED)
        printed.append(f"{mark} begin {number}\n{output}{mark} err {number}\n{errors}{mark} end {number}\n")
    return printed


async def _serve(recording: Path, keys: Path, port: int, addresses: list[str]) -> None:
    import asyncssh

    document = json.loads(recording.read_text(encoding="utf-8"))

    async def answer(process: Any) -> None:
        for place, text in enumerate(frames(await process.stdin.read(), document["frames"])):
            await asyncio.sleep(document["delay"] if place else 0)
            process.stdout.write(text)
        process.exit(0)

    options = {
        "server_host_keys": [str(keys / "host")],
        "authorized_client_keys": str(keys / "user.pub"),
        "process_factory": answer,
        "backlog": 16,
    }
    for address in addresses:
        await asyncssh.listen(address, port, **options)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a socket a host, and one for each connection
    asyncio.run(_serve(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]))
