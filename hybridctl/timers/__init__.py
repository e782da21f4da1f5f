"""Commands of ours on a timer: how often, the unit files, systemd told of them."""
