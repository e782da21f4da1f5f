"""`hybridctl lab`: a small rack of real systemd hosts on this machine."""

import json
import os
import shlex
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hybridctl.cli.options import json_option
from hybridctl.errors import ExitCode, HybridctlError

if TYPE_CHECKING:
    from hybridctl.lab.fleet import Lab

__all__ = ["command"]

F = TypeVar("F", bound=Callable[..., Any])


def _name_option(function: F) -> F:
    return click.option("--name", default="lab", show_default=True, help="The lab; several can be up side by side.")(
        function
    )


def _talk(line: str) -> None:
    click.echo(line, err=True)


@click.group()
def command() -> None:
    """Raise a small rack of real systemd hosts on this machine, to try everything without hardware.

    A lab lives in .hybridctl/lab/NAME below the current folder, with a site folder of its own that every other command
    takes. Its hosts are systemd-nspawn containers on a bridge; they have no internet, only the lab's package mirror.

    \b
    Example:
      hybridctl lab up
      hybridctl provision -i .hybridctl/lab/lab/site/inventory
      hybridctl lab exec gw1 -- systemctl status haproxy
      hybridctl lab down
    """


@command.command()
@_name_option
@click.option("--hosts", "fleet_file", type=click.Path(path_type=Path), help="Fleet file; default: four hosts.")
@click.option("--subnet", help="A private IPv4 /24; default: the first free one of 10.231.0.0/16.")
@click.option("--rebuild-cache", is_flag=True, help="Build root file system, packages, wheels and model anew.")
@json_option
def up(name: str, fleet_file: Path | None, subnet: str | None, rebuild_cache: bool, as_json: bool) -> None:
    """Raise the lab, or what is missing of it. Twice is harmless.

    \b
    Example:
      hybridctl lab up --name mine --hosts my-fleet.yml
    """
    from hybridctl.lab.fleet import Lab

    lab, started = Lab(name), time.monotonic()
    try:
        seconds = lab.up(fleet_file, subnet, rebuild_cache, _talk)
    except KeyboardInterrupt:
        raise _interrupted(lab) from None
    inventory = os.path.relpath(lab.inventory)
    if as_json:
        click.echo(json.dumps({"name": name, "inventory": inventory, "seconds": seconds}, indent=2))
    total = f"{time.monotonic() - started:.1f} s in all"
    news = f"{len(seconds)} hosts up in {max(seconds.values()):.1f} s ({total})" if seconds else "nothing was missing"
    _talk(f"lab {name} is up: {news}")
    _talk(f"next: hybridctl provision -i {inventory}")


def _interrupted(lab: "Lab") -> HybridctlError:
    """Return what Ctrl-C leaves, and what to type next."""
    partly = lab.folder.exists()
    error = HybridctlError(
        f"interrupted: lab {lab.name} is partly up" if partly else f"interrupted before lab {lab.name} was begun",
        f"hybridctl lab down --name {lab.name}" if partly else f"hybridctl lab up --name {lab.name}",
    )
    error.exit_code = ExitCode.INTERRUPTED
    return error


@command.command()
@_name_option
@json_option
def status(name: str, as_json: bool) -> None:
    """Show the hosts of the lab.

    \b
    Example:
      hybridctl lab status --json
    """
    from hybridctl.lab.fleet import Lab

    lab = Lab(name)
    hosts = lab.status()
    if as_json:
        document = {"name": name, "inventory": str(lab.inventory), "hosts": [asdict(host) for host in hosts]}
        click.echo(json.dumps(document, indent=2))
        return
    if not hosts:
        _talk(f"lab {name} is not up here; raise it: hybridctl lab up --name {name}")
    for host in hosts:
        ssh, pid = "ssh answers" if host.ssh else "no ssh", host.pid or "-"
        click.echo(f"{host.name:<12} {host.address:<15} {host.state:<8} {pid:<8} {ssh:<12} {','.join(host.groups)}")


@command.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@_name_option
@click.argument("host")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(name: str, host: str, argv: tuple[str, ...]) -> None:
    """Run a command on a host; its exit status is ours.

    \b
    Example:
      hybridctl lab exec cpu1 -- journalctl -u vllm
    """
    from hybridctl.lab.fleet import Lab

    # click keeps the `--` that stands after the host, since options end at the first argument.
    words = argv[1:] if argv[0] == "--" else argv
    sys.exit(subprocess.run([*Lab(name).ssh_argv(host), shlex.join(words)], check=False).returncode)


@command.command()
@_name_option
@click.argument("host")
def ssh(name: str, host: str) -> None:
    """Open a shell on a host.

    \b
    Example:
      hybridctl lab ssh gw1
    """
    from hybridctl.lab.fleet import Lab

    argv = Lab(name).ssh_argv(host)
    os.execvp(argv[0], argv)  # noqa: S606 - the terminal goes over to ssh


@command.command()
@_name_option
@click.argument("host")
def poweroff(name: str, host: str) -> None:
    """Cut a host's power, as if the cord were pulled.

    \b
    Example:
      hybridctl lab poweroff cpu1
    """
    from hybridctl.lab.fleet import Lab

    Lab(name).power(host, on=False)


@command.command()
@_name_option
@click.argument("host")
def poweron(name: str, host: str) -> None:
    """Give a host its power back and wait until it answers.

    \b
    Example:
      hybridctl lab poweron cpu1
    """
    from hybridctl.lab.fleet import Lab

    Lab(name).power(host, on=True)


@command.command()
@_name_option
@json_option
def down(name: str, as_json: bool) -> None:
    """End the lab and remove everything it made; exit 0 also when there was nothing.

    \b
    Example:
      hybridctl lab down --name mine
    """
    from hybridctl.lab.fleet import Lab

    existed = Lab(name).down()
    if as_json:
        click.echo(json.dumps({"name": name, "existed": existed}, indent=2))
    _talk(f"lab {name} is gone" if existed else f"there is no lab {name} here; nothing to do")
