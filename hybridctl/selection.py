"""Which part of a site a run is about: hosts, layers, roles; and how Ansible is told."""

from dataclasses import dataclass

from hybridctl import content
from hybridctl.errors import InvalidInput
from hybridctl.layers import known_layers, role_layers, role_tag

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """What a user may choose of a run.

    Attributes:
        layers: only these, and preflight before them; empty means all.
        roles: only these roles of those layers; empty means all.
        forks: hosts worked on at a time.
        playbook: the whole site, unless a test names a smaller one.
    """

    limit: str | None = None
    check: bool = False
    diff: bool = False
    layers: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    forks: int = 20
    playbook: str = f"{content.COLLECTION}.site"

    @property
    def entered(self) -> tuple[str, ...]:
        """The layers that have something to run; a system that no role knows is refused whatever was asked for."""
        chosen = self.layers
        if self.roles:
            theirs = [layer for role in self.roles for layer in role_layers().get(role, ())]
            chosen = tuple(layer for layer in theirs if not self.layers or layer in self.layers)
        return tuple(dict.fromkeys(("preflight", *chosen))) if chosen else ()

    @property
    def tags(self) -> tuple[str, ...]:
        """Ansible's tags for that."""
        chosen = tuple(role_tag(role) for role in self.roles) or self.layers
        return tuple(dict.fromkeys(("preflight", *chosen))) if chosen else ()

    @property
    def skip_tags(self) -> tuple[str, ...]:
        """Tags add up in Ansible: roles of certain layers are those roles without all other layers."""
        if not (self.roles and self.layers):
            return ()
        return tuple(layer for layer in known_layers() if layer not in self.entered)

    def check_names(self) -> None:
        """Refuse what does not exist and what names nothing.

        Raises:
            InvalidInput: a layer or role is unknown, or no role is left in the layers.
        """
        layers, roles = known_layers(), role_layers()
        for layer in self.layers:
            if layer not in layers:
                raise InvalidInput(f"--layer {layer}: there is no such layer", f"name one of: {', '.join(layers)}")
        for role in self.roles:
            if role not in roles:
                raise InvalidInput(
                    f"--role {role}: no layer has such a role", f"name one of: {', '.join(sorted(roles))}"
                )
        if self.roles and self.layers and not self.entered:
            where = "; ".join(f"{role} is in layer {', '.join(roles[role])}" for role in self.roles)
            raise InvalidInput(
                f"--layer {', '.join(self.layers)} has none of --role {', '.join(self.roles)}; nothing would be done",
                where,
            )
