#!/usr/bin/python
# Copyright: the hybridctl authors
# SPDX-License-Identifier: Apache-2.0
"""Documentation of the action `packages`; the work is in plugins/action/packages.py."""

from __future__ import annotations

DOCUMENTATION = r"""
module: packages
short_description: Have packages at the versions of a lock, held there
description:
  - Installs, upgrades or downgrades packages so that each has the version asked for, and holds it there. In check mode
    it says the same by a simulation, dependencies, versions and sizes included, and leaves no trace.
  - What it did is found by comparing the packages before and after, not by what apt said.
  - A service that a package brings is not started or restarted by the package; that is for M(hybridctl.site.units).
  - What an interrupted run left half installed is repaired first, and told as installed.
options:
  packages:
    type: dict
    required: true
    description: Name of each package and its version, with C(*) as in apt.
  repositories:
    type: list
    elements: str
    default: []
    description: One-line apt sources that are not configured yet when this is planned.
  index_max_age:
    type: int
    default: 3600
    description: Age in seconds above which the host's package index is read anew.
  allow_removal:
    type: bool
    default: false
    description: Whether other packages may be removed for it; refused otherwise.
attributes:
  check_mode:
    support: full
    description: Says what would be done.
  diff_mode:
    support: full
    description: One line for each package.
author: [The hybridctl authors]
"""

EXAMPLES = r"""
- name: Install HAProxy
  hybridctl.site.packages:
    packages:
      haproxy: 2.6.12-*
      socat: 1.7.4.4-*
"""

RETURN = r"""
resources:
  description: Packages changed, or in check mode those that would be, with action, versions and bytes to download.
  type: list
  elements: dict
  returned: changed
"""
