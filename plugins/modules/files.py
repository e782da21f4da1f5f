#!/usr/bin/python
"""Many files, directories and links in one task."""

from __future__ import annotations

from typing import Any

DOCUMENTATION = r"""
module: files
short_description: Have many files, directories and links as they shall be, in one round trip
description:
  - Renders all templates on the control node and sends them with everything else in one execution on the host.
  - Reads the state of every path on every run; there are no stamps.
  - Directories are made, all contents written beside their targets and validated before the first file is replaced, so
    that a full disk or an invalid content leaves every file as it was.
  - A file is replaced by a rename and is whole at any moment.
  - A file whose owner, group or mode alone differs is not rewritten.
  - Where SELinux is on, paths get the label that the policy names for them.
  - Paths must be absolute and normalised, and none may stand twice. A single item is at most 16 MiB; use
    M(ansible.builtin.copy) or M(ansible.builtin.get_url) for larger ones.
version_added: 0.1.0
author: The hybridctl authors (@hybridctl)
options:
  files:
    description: The paths. Directories are made first, then files and links in the order given, then removals.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Absolute path on the host.
        type: str
        required: true
      state:
        description:
          - V(absent) removes a file, a link, or a directory whose entries are all absent items too.
          - A V(directory) may be reached through a link.
        type: str
        choices: [file, directory, link, absent]
        default: file
      template:
        description: Template for the content, found as M(ansible.builtin.template) finds it.
        type: str
      src:
        description:
          - File on the control node for the content, found as M(ansible.builtin.copy) finds it. Text or binary.
        type: str
      content:
        description:
          - The content itself.
          - A file takes exactly one of O(files[].template), O(files[].src) and O(files[].content).
        type: str
      mode:
        description:
          - Permission bits as a quoted octal number. Required for a file, here or for the task. Not for links.
          - A new directory without it gets V("0755").
        type: str
      owner:
        description: Name or number of the user. Without it an existing path keeps its own.
        type: str
      group:
        description: Name or number of the group. Without it an existing path keeps its own.
        type: str
      validate:
        description:
          - Command that says whether the new content is valid; V(%s) stands for the new file, which lies beside the
            target. It is run without a shell, and before anything is replaced.
          - Not run in check mode, since it may need what other tasks have yet to bring.
        type: str
      backup:
        description: Keep what is replaced or removed under a name with process number and time.
        type: bool
      secret:
        description: The diff says only that the content differs, and the content is in no result.
        type: bool
        default: false
      target:
        description: What a link points at.
        type: str
      force:
        description: Replace a link where a file is wanted or a file where a link is, and make a link into nowhere.
        type: bool
        default: false
  owner:
    description: Owner of items that name none.
    type: str
  group:
    description: Group of items that name none.
    type: str
  mode:
    description: Mode of files that name none. Directories name their own.
    type: str
  backup:
    description: Whether items that do not say are backed up.
    type: bool
    default: false
attributes:
  check_mode:
    description: Names what a run would change, and what that depends on.
    support: full
  diff_mode:
    description: One diff an item.
    support: full
seealso:
  - module: ansible.builtin.copy
  - module: ansible.builtin.template
  - module: hybridctl.site.units
"""

EXAMPLES = r"""
- name: Write the configuration
  hybridctl.site.files:
    owner: root
    group: root
    mode: "0644"
    files:
      - path: /etc/example
        state: directory
        mode: "0750"
      - path: /etc/example/example.conf
        template: etc/example/example.conf.j2
        validate: /usr/sbin/example --check %s
      - path: /etc/example/key
        content: "{{ vault_example_key }}"
        mode: "0600"
        secret: true
      - path: /etc/example/current.conf
        state: link
        target: example.conf
      - path: /etc/example/old.conf
        state: absent
  register: __example_files

- name: Have the unit run with it
  hybridctl.site.units:
    units:
      - name: example.service
        enabled: true
        state: started
        restart_on: [/etc/example/example.conf]
    changed_paths: "{{ __example_files.changed_paths }}"
"""

RETURN = r"""
changed_paths:
  description: Paths that were changed, or would be in check mode, in the order of the items.
  type: list
  elements: str
  returned: always
  sample: [/etc/example/example.conf]
resources:
  description: What was changed, or would be in check mode, and nothing else.
  type: list
  elements: dict
  returned: always
  contains:
    kind:
      description: One of file, directory and link.
      type: str
    name:
      description: The path.
      type: str
    action:
      description: One of create, change and remove.
      type: str
    why:
      description: What differs.
      type: str
      sample: content, mode 0644 -> 0600
    depends_on:
      description: What another task must bring first; empty when the change is certain. Only in check mode.
      type: str
      sample: directory /opt/example
    diff:
      description:
        - The texts C(before) and C(after) with their C(place), or words in C(prepared) where texts cannot be shown.
      type: dict
    digest:
      description:
        - Of a new content that the diff does not show, so that plans with other contents differ. That of a secret
          is slow to guess from (PBKDF2).
      type: str
backup_files:
  description: Where replaced or removed files were kept, by path.
  type: dict
  returned: when there are any
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.hybridctl.site.plugins.module_utils.file_items import (
    ItemError,
    unpack,
)
from ansible_collections.hybridctl.site.plugins.module_utils.file_planning import NoLabels, Planner
from ansible_collections.hybridctl.site.plugins.module_utils.file_reporting import Report, ansible_diff
from ansible_collections.hybridctl.site.plugins.module_utils.file_transaction import (
    ApplyError,
    Transaction,
    remove_leftovers,
)


class SELinux(NoLabels):
    """Labels by the policy, as Ansible's own modules set them."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def differs(self, path: str) -> bool:
        """Tell whether the label of `path` is not the policy's default for it."""
        special, context = self.module.is_special_selinux_path(path)
        want = context if special else self.module.selinux_default_context(path)
        have = self.module.selinux_context(path)
        return any(part is not None and part != now for part, now in zip(want or [], have or []))

    def restore(self, path: str, place: str) -> None:
        """Give `path` the default label of `place`."""
        self.module.set_context_if_different(path, self.module.selinux_default_context(place), False)


def main() -> None:
    """Run the module."""
    # What the task says arrives as one text, made by the action plugin of the same name.
    module = AnsibleModule({"payload": {"type": "str", "required": True, "no_log": True}}, supports_check_mode=True)
    try:
        items = unpack(module.params["payload"])
    except ValueError as error:
        module.fail_json(msg=f"hybridctl.site.files works by its action plugin, which made no sense here: {error}")
    labels = SELinux(module) if module.selinux_enabled() else NoLabels()
    if not module.check_mode:
        remove_leftovers(items)
    try:
        steps = Planner(items, module.check_mode, labels).steps()
    except ItemError as error:
        module.fail_json(msg=str(error), changed_paths=[], resources=[])
    report = Report()
    resources = {step.item.index: report.resource(step) for step in steps}
    transaction = Transaction(steps, labels)
    failure = ""
    if not module.check_mode:
        try:
            transaction.run()
        except (ItemError, ApplyError) as error:
            failure = str(error)
        resources = {step.item.index: resources[step.item.index] for step in transaction.done}
    result: dict[str, Any] = {
        "changed": bool(resources),
        "changed_paths": [resource["name"] for resource in resources.values()],
        "resources": list(resources.values()),
    }
    if transaction.backups:
        result["backup_files"] = transaction.backups
    if module._diff:
        result["diff"] = [ansible_diff(resource) for resource in resources.values()]
    if failure:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
