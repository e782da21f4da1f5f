"""For pytest: ordinary testinfra files over `hybridctl://` hosts, unchanged and in few trips.

    pytest --hosts=hybridctl://all --ansible-inventory=inventory -p hybridctl.pytest_plugin test_hosts.py

A test function that asks a command not yet known is run again once it is; at the first such command of a host, all
functions that need nothing but `host` are tried at once, and what they miss is fetched together. So the functions must
only look: what they ask is asked once, and tests that change a host belong on testinfra's own backends.
"""

import contextlib
import functools
import inspect
import io
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import pytest
from testinfra.host import Host

from hybridctl.checks.model import ConnectionLost
from hybridctl.evidence.answers import Miss
from hybridctl.evidence.rounds import ROUNDS, in_rounds
from hybridctl.evidence.seeds import fingerprint
from hybridctl.evidence.site_backend import SiteBackend, register

__all__: list[str] = []

register()

_OURS = {"host", "_testinfra_host"}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell each host which tests it will see: by them its commands are remembered."""
    tests: dict[SiteBackend, list[str]] = {}
    for item in session.items:
        backend = _backend(item)
        if backend is not None:
            tests.setdefault(backend, []).append(item.nodeid)
    for backend, names in tests.items():
        backend.checks = fingerprint("pytest", sorted(names))


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Run a test function again for every command that it missed."""
    backend = _backend(pyfuncitem)
    function = pyfuncitem.obj
    if backend is None or inspect.iscoroutinefunction(function):
        return (yield)
    pyfuncitem.obj = _again(function, backend, pyfuncitem)
    try:
        return (yield)
    finally:
        pyfuncitem.obj = function


def pytest_sessionfinish() -> None:
    """End every connection."""
    for backend in list(SiteBackend.opened):
        backend.close()


def _again(function: Callable[..., Any], backend: SiteBackend, item: pytest.Function) -> Callable[..., Any]:
    """Return the function, run until it misses nothing."""

    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        for _ in range(ROUNDS):
            try:
                with _suspending(backend):
                    return function(*args, **kwargs)
            except Miss as miss:
                if backend.trips:
                    backend.ask([miss.command])
                else:
                    others = [other for other in item.session.items if other is not item]
                    own = partial(_quietly, partial(function, *args, **kwargs))
                    _look_ahead(backend, [own, *_plain(backend, others)])
        return function(*args, **kwargs)  # each command in a trip of its own

    return run


@contextlib.contextmanager
def _suspending(backend: SiteBackend) -> Iterator[None]:
    backend.suspending = True
    try:
        yield
    finally:
        backend.suspending = False


def _look_ahead(backend: SiteBackend, jobs: Sequence[Callable[[], bool]]) -> None:
    """Fetch, in rounds, whatever the jobs ask."""
    with _suspending(backend):
        outcome = in_rounds(jobs, backend.ask)
    if outcome.lost is not None:
        raise outcome.lost


def _plain(backend: SiteBackend, items: Sequence[pytest.Item]) -> Iterator[Callable[[], bool]]:
    """Yield what tries each plain test of a host."""
    for item in items:
        if isinstance(item, pytest.Function) and _backend(item) is backend and _is_plain(item):
            parameters: Any = {**item.callspec.params, "host": backend.host}
            given = {name: parameters[name] for name in item._fixtureinfo.argnames}
            yield partial(_quietly, partial(item.obj, **given))


def _quietly(function: Callable[[], Any]) -> bool:
    """Run a test function for nothing but the commands it asks; how it ends is seen when its turn comes."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            function()
        except (Miss, ConnectionLost, KeyboardInterrupt):
            raise
        except BaseException:  # pytest's own outcomes are no Exceptions
            return False
    return True


def _is_plain(item: pytest.Function) -> bool:
    """Tell whether a test needs only its host and values it is parametrized with, and will surely run."""
    marked = any(item.get_closest_marker(name) for name in ("skip", "skipif", "xfail"))
    if marked or inspect.iscoroutinefunction(item.obj):
        return False
    for name in item.fixturenames:
        made_by = [definition.func for definition in item._fixtureinfo.name2fixturedefs.get(name, ())]
        direct = bool(made_by) and made_by[-1].__name__ == "get_direct_param_fixture_func"
        testinfras = name in _OURS and len(made_by) == 1 and made_by[0].__module__ == "testinfra.plugin"
        if not (direct or testinfras or name == "request"):
            return False
    return "request" not in item._fixtureinfo.argnames


def _backend(item: pytest.Item) -> SiteBackend | None:
    """Return the backend of a test's host when it is one of ours."""
    callspec = getattr(item, "callspec", None)
    host = callspec.params.get("_testinfra_host") if callspec is not None else None
    return host.backend if isinstance(host, Host) and isinstance(host.backend, SiteBackend) else None
