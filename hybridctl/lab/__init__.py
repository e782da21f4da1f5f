"""The lab: a small rack of real systemd hosts on this machine."""
