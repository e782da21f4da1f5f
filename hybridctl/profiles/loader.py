"""Find and read profiles, with all that they inherit; every mistake is told with its file and line."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hybridctl.checks.catalogue import CATALOGUE
from hybridctl.checks.model import Expectation, Verdict
from hybridctl.errors import InvalidInput
from hybridctl.problems import Problem, invalid, nearest
from hybridctl.profiles.validation import FORMS, expected_in, problems_of
from hybridctl.yamlmarks import entries, parse, value_of

__all__ = ["Profile", "is_profile", "load_profile", "profile_names"]

_OURS = Path(__file__).parent


@dataclass(frozen=True)
class Profile:
    """What a host must show.

    Attributes:
        name: the file's name without `.yml`.
        lab: whether it is for hosts with stand-ins, so that reports mark them.
        expectations: by check, inherited ones and those that no check judges yet included.
        base: whether it is only there to be inherited from.
        lineage: names of the profiles it inherits from, the most general first.
        form_factor: of the board; empty where nothing depends on it.
        inapplicable: checks that were inherited, or asked for, and do not apply here, with the reason.
    """

    name: str
    title: str
    path: Path
    lab: bool
    expectations: Mapping[str, Expectation]
    base: bool = False
    lineage: tuple[str, ...] = ()
    form_factor: str = ""
    inapplicable: Mapping[str, str] = field(default_factory=dict)


def profile_names(site_root: Path | None = None) -> tuple[str, ...]:
    """Return the names a host's `hybridctl_profile` may have: ours, and those of the site; no bases."""
    return tuple(sorted(name for name, path in _files(site_root).items() if not _is_base(path)))


def is_profile(name: str, site_root: Path | None = None) -> bool:
    """Tell whether a host's `hybridctl_profile` may have this value."""
    path = _files(site_root).get(name)
    return path is not None and not _is_base(path)


def load_profile(name: str, site_root: Path | None = None) -> Profile:
    """Read a profile and what it inherits; later ones of `inherits` go before earlier ones, its own lines before all.

    Args:
        site_root: the folder whose `profiles/` is looked into beside ours.

    Raises:
        InvalidInput: there is no such profile, or it or what it inherits is not valid; with file, line and what is
            allowed.
    """
    files = _files(site_root)
    if name not in files:
        near = nearest(name, files)
        raise InvalidInput(
            f"profile {name}: there is no such profile" + (f"; did you mean {near}?" if near else ""),
            f"name one of: {', '.join(profile_names(site_root))}",
        )
    profile = _load(name, files, ())
    if not profile.expectations and not profile.base:
        raise invalid([Problem(profile.path, 1, "expects nothing", "add `expect:`, or what it inherits")], name)
    return _applied(profile)


def _load(name: str, files: Mapping[str, Path], heirs: tuple[str, ...]) -> Profile:
    """Read one profile as its heirs get it: nothing is left out for its form factor yet."""
    path = files[name]
    node, problems = parse(path)
    if not problems:
        nothing = Problem(path, 1, "says nothing", "copy a profile of ours")
        problems = list(problems_of(path, node)) if node is not None else [nothing]
    if problems or node is None:
        raise invalid(problems, f"profile {name}")
    data = value_of(node)
    lines = {entry.key: entry.line for entry in entries(node)}
    given = data.get("inherits", [])
    chain = (*heirs, name)
    parents = []
    for parent in [given] if isinstance(given, str) else given:
        if parent not in files or parent in chain:
            near = nearest(parent, files)
            message = f"inherits: there is no profile {parent}" + (f"; did you mean {near}?" if near else "")
            if parent in chain:
                message = f"inherits: {' -> '.join([*chain[chain.index(parent) :], parent])} goes in a circle"
            raise invalid([Problem(path, lines["inherits"], message, f"name one of: {', '.join(sorted(files))}")], name)
        parents.append(_load(parent, files, chain))
    expectations: dict[str, Expectation] = {}
    for other in parents:
        expectations |= other.expectations
    left_out = {check: why for other in parents for check, why in other.inapplicable.items()}
    for check, why in data.get("without", {}).items():
        left_out[check] = why
        if expectations.pop(check, None) is None:
            raise invalid([Problem(path, lines["without"], f"without: {check} is not inherited", "remove it")], name)
    where = {entry.key: entry.line for entry in expected_in(node)}
    for check, asked in data.get("expect", {}).items():
        expectations[check] = _expectation(check, asked, f"{path.name}:{where[check]}")
        left_out.pop(check, None)
    return Profile(
        name,
        data["title"],
        path,
        data.get("lab", False),
        expectations,
        base=data.get("base", False),
        lineage=tuple(dict.fromkeys(word for other in parents for word in (*other.lineage, other.name))),
        form_factor=data.get("form_factor", next((p.form_factor for p in reversed(parents) if p.form_factor), "")),
        inapplicable=left_out,
    )


def _applied(profile: Profile) -> Profile:
    """Take out what does not apply to the profile's form factor."""
    if profile.base:
        return profile
    applies, not_so = {}, dict(profile.inapplicable)
    for check, expectation in profile.expectations.items():
        factors = expectation.form_factors
        if not factors or profile.form_factor in factors:
            applies[check] = expectation
        elif profile.form_factor:
            not_so[check] = f"only for {' and '.join(factors)}; this board is {profile.form_factor}"
        else:
            message = f"{check} depends on the board, and there is no form_factor"
            remedy = f"add form_factor: {' or '.join(factors)}"
            raise invalid([Problem(profile.path, 1, message, remedy)], profile.name)
    return replace(profile, expectations=applies, inapplicable=not_so)


def _files(site_root: Path | None) -> dict[str, Path]:
    found = {path.stem: path for path in sorted(_OURS.glob("*.yml"))}
    for path in sorted((site_root / "profiles").glob("*.yml")) if site_root else ():
        if path.stem in found:
            # A host judged by another profile than its name says would be the worst of reports.
            problem = Problem(path, 0, f"{path.stem} is the name of a profile of ours", "give it a name of its own")
            raise invalid([problem], "the site's profiles")
        found[path.stem] = path
    return found


def _is_base(path: Path) -> bool:
    node, problems = parse(path)
    return (
        not problems and node is not None and any(e.key == "base" and value_of(e.node) is True for e in entries(node))
    )


def _expectation(check: str, given: Mapping[str, Any], origin: str) -> Expectation:
    form = next(key for key in FORMS if key in given)
    wanted = tuple(given[form]) if isinstance(given[form], list) else given[form]
    return Expectation(
        check=check,
        form=form,
        wanted=wanted,
        unit=given.get("unit", ""),
        tolerance=_percent(given.get("tolerance")),
        source=given["source"],
        later=given.get("later", ""),
        warn=_percent(given.get("warn")),
        severity=Verdict(given.get("severity", "fail").upper()),
        form_factors=tuple(given.get("form_factors", ())),
        origin=origin,
        tool=given.get("tool", ""),
        parameters={
            name: CATALOGUE[check].parameters[name].read(value) for name, value in given.get("parameters", {}).items()
        },
    )


def _percent(text: str | None) -> float:
    return float(text.rstrip("%")) if text else 0.0
