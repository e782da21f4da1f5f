"""Profiles: the hardware and software a host must show, one YAML file each, named by its file.

Ours travel in the package; a site keeps its own in `profiles/` beside its `hybridctl.yml`.
"""

from hybridctl.profiles.loader import Profile, is_profile, load_profile, profile_names

__all__ = ["Profile", "is_profile", "load_profile", "profile_names"]
