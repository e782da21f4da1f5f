# Copyright: the hybridctl authors
# SPDX-License-Identifier: Apache-2.0
"""Have packages at the versions of a lock, and hold them there: plans with package_state, installs with apt."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

_STATE = "hybridctl.site.package_state"


class ActionModule(ActionBase):  # type: ignore[misc] # Ansible ships no types
    """`hybridctl.site.packages`; plans in check mode, and says what it did by comparing before with after."""

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return `changed` and `resources`, the same in check mode and in the run that follows."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)

        def ask(module: str, **more: Any) -> dict[str, Any]:
            result: dict[str, Any] = self._execute_module(module_name=module, module_args=more, task_vars=task_vars)
            result.pop("invocation", None)
            return result

        planned = ask(_STATE, **arguments, phase="begin")
        if planned.get("failed") or not planned.get("changed"):
            return planned
        if self._task.check_mode:
            return _told(planned["resources"])
        before = planned["versions"]
        if planned["install"]:
            done = ask(
                "ansible.builtin.apt",
                name=planned["install"],
                update_cache=True,
                cache_valid_time=arguments.get("index_max_age", 3600),
                install_recommends=False,
                allow_change_held_packages=True,
                allow_downgrade=True,
            )
            if done.get("failed"):
                # No packages: nothing is to be held, and services may be started again.
                ask(_STATE, packages={}, phase="end")
                return done
        after = ask(_STATE, **arguments, phase="end")
        if after.get("failed"):
            return after
        if after["install"]:
            message = f"apt ended without an error, yet {', '.join(after['install'])} is not installed"
            return {"failed": True, "msg": message}
        # apt takes the hold off what it changes; that it is put back is no change.
        holds = [resource for resource in planned["resources"] if resource["action"] == "hold"]
        return _told([*_moved(before, after["versions"], planned["resources"]), *holds])


def _moved(before: dict[str, str], after: dict[str, str], planned: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the packages whose version is another than before; what was planned of them gives action, reason, size."""
    known = {resource["name"]: resource for resource in planned if resource["action"] != "hold"}
    moved = []
    for name in sorted({*before, *after}):
        old, new = before.get(name, ""), after.get(name, "")
        if old != new:
            action = "remove" if not new else "install" if not old else "upgrade"
            plan = known.get(name, {"action": action, "why": "came along", "size": 0})
            moved.append({**plan, "kind": "package", "name": name, "old": old, "new": new})
    return moved


def _told(resources: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the result, with a diff for those who run plain ansible-playbook."""
    lines = [
        f"{entry['action']} {entry['name']} {' -> '.join(v for v in (entry.get('old'), entry.get('new')) if v)}".strip()
        for entry in resources
    ]
    return {"changed": bool(resources), "resources": resources, "diff": {"prepared": "\n".join(lines) + "\n"}}
