#!/usr/bin/python
"""Many units of systemd in one task."""

from __future__ import annotations

import os
import re
from typing import Any

DOCUMENTATION = r"""
module: units
short_description: Have many systemd units enabled, started, restarted and reloaded as they shall be
description:
  - Asks systemd about all units by one call, and does what is needed in the order given. Every unit is planned before
    the first one is touched.
  - A restart is due when a file of O(units[].restart_on) is among O(changed_paths) or was changed after the unit began
    to start; a reload when one of O(units[].reload_on) was changed after the unit's last change of state, or when the
    last reload failed. So the run after one that died between writing a file and restarting its unit makes up for it.
    There are no stamps. A removed file counts only by O(changed_paths).
  - Only a running unit is restarted or reloaded, and a one-shot that has run is run again. A start makes both needless,
    a restart makes a reload needless.
  - systemd reads its unit files anew when one of them changed or a unit is not known yet.
  - A unit that declines to start by a condition of its unit file is asked again on every run, with a warning and
    without counting as a change.
version_added: 0.1.0
author: The hybridctl authors (@hybridctl)
options:
  units:
    description: The units, in the order in which they are dealt with.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name with its suffix, such as V(example.service).
        type: str
        required: true
      enabled:
        description: Whether it starts at boot. Without it that stays as it is.
        type: bool
      state:
        description:
          - Whether it runs. Without it that stays as it is.
          - A one-shot without C(RemainAfterExit=) counts as started once it has run, as long as something wants it;
            otherwise systemd forgets that it has.
        type: str
        choices: [started, stopped]
      masked:
        description: Whether it is kept from starting altogether. Without it that stays as it is.
        type: bool
      restart_on:
        description: Files whose change calls for a restart. One that is not there counts as not changed.
        type: list
        elements: str
        default: []
      reload_on:
        description: Files whose change calls for a reload. One that is not there counts as not changed.
        type: list
        elements: str
        default: []
      ready:
        description: Command, as a list, that is run after a start, restart or reload until it exits 0. No shell.
        type: list
        elements: str
        default: []
      ready_timeout:
        description: Seconds that may take.
        type: float
        default: 60
  changed_paths:
    description:
      - What tasks of M(hybridctl.site.files) reported in this run. In check mode only this tells of a change to come.
    type: list
    elements: str
    default: []
attributes:
  check_mode:
    description: Names the same actions as the run that follows, and what they depend on.
    support: full
  diff_mode:
    description: One line an action.
    support: full
seealso:
  - module: ansible.builtin.systemd_service
  - module: hybridctl.site.files
"""

EXAMPLES = r"""
- name: Have the services run with what was written
  hybridctl.site.units:
    units:
      - name: example.service
        enabled: true
        state: started
        restart_on: [/etc/systemd/system/example.service, /etc/example/example.conf]
        reload_on: [/etc/example/names.map]
        ready: [curl, --fail, --silent, "http://127.0.0.1:8000/health"]
        ready_timeout: 120
      - name: example-cleanup.timer
        enabled: true
        state: started
      - name: unattended.service
        masked: true
        state: stopped
    changed_paths: "{{ __example_files.changed_paths }}"
"""

RETURN = r"""
resources:
  description: What was done, or would be in check mode; one entry an action.
  type: list
  elements: dict
  returned: always
  contains:
    kind:
      description: Always unit.
      type: str
    name:
      description: The unit.
      type: str
    action:
      description: One of enable, disable, start, stop, restart, reload, mask and unmask.
      type: str
    why:
      description: What called for it.
      type: str
      sample: /etc/example/example.conf changed
    depends_on:
      description: What another task must bring first; empty when the action is certain. Only in check mode.
      type: str
      sample: unit file of example.service
    diff:
      description: Words in C(prepared).
      type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hybridctl.site.plugins.module_utils.unit_manager import (
    Manager,
    ManagerError,
    declined,
    resource,
    touches_unit_files,
)
from ansible_collections.hybridctl.site.plugins.module_utils.unit_planning import UnitError, Wanted, World, plan
from ansible_collections.hybridctl.site.plugins.module_utils.unit_states import Clock

UNIT = {
    "name": {"type": "str", "required": True},
    "enabled": {"type": "bool"},
    "state": {"type": "str", "choices": ["started", "stopped"]},
    "masked": {"type": "bool"},
    "restart_on": {"type": "list", "elements": "str", "default": []},
    "reload_on": {"type": "list", "elements": "str", "default": []},
    "ready": {"type": "list", "elements": "str", "default": []},
    "ready_timeout": {"type": "float", "default": 60},
}
ARGUMENTS: dict[str, Any] = {
    "units": {"type": "list", "elements": "dict", "required": True, "options": UNIT},
    "changed_paths": {"type": "list", "elements": "str", "default": []},
}
# systemd.unit(5): the kinds, and the characters of a name. A template itself can neither be started nor shown.
NAME = re.compile(
    r"[A-Za-z0-9:_.\\@-]+(?<!@)\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)\Z"
)


def wanted(units: list[dict[str, Any]]) -> list[Wanted]:
    """Return the units of the task.

    Raises:
        UnitError: one of them makes no sense.
    """
    wants = []
    for index, unit in enumerate(units):
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in unit.items()
        }
        wants.append(Wanted(index=index, **fields))
    first = {want.name: want.index for want in reversed(wants)}
    for want in wants:
        if not NAME.match(want.name):
            raise UnitError(want, "that is no name of a unit; it ends in .service, .timer, .socket and the like")
        if first[want.name] != want.index:
            raise UnitError(want, f"it is units[{first[want.name]}] already")
        if want.masked and (want.enabled or want.state == "started"):
            raise UnitError(want, "it cannot be masked and enabled or started at once")
        relative = [path for path in (*want.restart_on, *want.reload_on) if not path.startswith("/")]
        if relative:
            raise UnitError(want, f"{relative[0]}: the path must be absolute")
    return wants


def main() -> None:
    """Run the module."""
    module = AnsibleModule(ARGUMENTS, supports_check_mode=True)

    def run(argv: list[str]) -> tuple[int, str, str]:
        path = module.get_bin_path(argv[0])
        if path is None:
            return 127, "", f"{argv[0]} is not there"
        # TZ: what an old systemctl prints is in local time. No colours, no pager, English.
        plain = {"TZ": "UTC", "LC_ALL": "C", "LANG": "C", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
        status, out, said = module.run_command([path, *argv[1:]], environ_update=plain, expand_user_and_vars=False)
        return status, out, said

    manager, changed = Manager(run), module.params["changed_paths"]
    planned: list[dict[str, Any]] = []
    failure = ""
    try:
        wants = wanted(module.params["units"])
        names = [want.name for want in wants]
        units = manager.show(names) if names else []
        coming = any(
            not unit.is_known and not unit.is_masked and (want.enabled or want.state == "started")
            for want, unit in zip(wants, units)
        )
        stale = coming or touches_unit_files(changed) or any(unit.needs_daemon_reload for unit in units)
        if stale and units and not module.check_mode:
            manager.daemon_reload()
            units = manager.show(names)
        # deb-systemd-helper is what Debian's packages enable their units with; RPM's leave that to presets.
        enables = os.path.exists("/usr/bin/deb-systemd-helper")
        world = World(Clock.read(), frozenset(changed), module.check_mode, enables)
        plans = [plan(want, unit, world) for want, unit in zip(wants, units)]
        for want, unit, actions in zip(wants, units, plans):
            for action in actions:
                if not module.check_mode:
                    manager.do(want, action, unit)
                elif action.quiet:
                    manager.warnings.append(declined(want))
                else:
                    planned.append(resource(want, action))
    except (UnitError, ManagerError) as error:
        failure = str(error)
    for warning in manager.warnings:
        module.warn(warning)
    resources = planned if module.check_mode else manager.done
    result: dict[str, Any] = {"changed": bool(resources), "resources": resources}
    if module._diff:
        result["diff"] = [{"prepared": f"{entry['name']}: {entry['diff']['prepared']}\n"} for entry in resources]
    if failure:
        done = ", ".join(f"{entry['name']} ({entry['action']})" for entry in resources) or "none"
        module.fail_json(msg=f"{failure}\nDone before it: {done}", **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
