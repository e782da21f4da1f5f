"""Write each role's README.md from its argument_specs; `--check` only says which are out of date."""

import sys
from pathlib import Path
from typing import Any

import yaml

ROLES = Path(__file__).resolve().parent.parent / "roles"


def rendered(role: Path) -> str:
    """Return the README of a role."""
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]
    parts = [
        f"# {role.name}",
        "<!-- Written by scripts/role_readme.py from meta/argument_specs.yml. -->",
        f"{spec['short_description']}.",
        *(_plain(text) for text in spec["description"]),
        "## Variables",
        *(_variable(name, option) for name, option in spec["options"].items()),
        "## Example",
        f"```yaml\n- hosts: all\n  roles:\n    - role: hybridctl.site.{role.name}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _variable(name: str, option: dict[str, Any]) -> str:
    kind = option["type"] + (f" of {option['elements']}" if "elements" in option else "")
    lines = [f"### `{name}`", f"{_plain(option['description'])} *{kind}*"]
    if "choices" in option:
        lines.append("One of: " + ", ".join(f"`{choice}`" for choice in option["choices"]))
    fields = [f"- `{key}`: {_plain(sub['description'])}" for key, sub in option.get("options", {}).items()]
    if fields:
        lines.append("\n".join(fields))
    default = yaml.safe_dump({name: option["default"]}, sort_keys=False, width=110).strip()
    lines.append(f"```yaml\n{default}\n```")
    return "\n\n".join(lines)


def _plain(text: str) -> str:
    """Turn Ansible's C(x) into Markdown's code."""
    out = " ".join(text.split())
    while "C(" in out:
        before, _, rest = out.partition("C(")
        code, _, after = rest.partition(")")
        out = f"{before}`{code}`{after}"
    return out


def main(check: bool) -> int:
    """Write or compare every README; return how many were out of date when only comparing."""
    stale = []
    for role in sorted(path for path in ROLES.iterdir() if (path / "meta" / "argument_specs.yml").exists()):
        readme = role / "README.md"
        text = rendered(role)
        if not readme.exists() or readme.read_text(encoding="utf-8") != text:
            stale.append(role.name)
            if not check:
                readme.write_text(text, encoding="utf-8")
    if check and stale:
        print(f"out of date: {', '.join(stale)}; run: python scripts/role_readme.py", file=sys.stderr)
    return len(stale) if check else 0


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
