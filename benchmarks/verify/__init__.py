"""How fast verify is beside testinfra's own backends, and how it grows with the fleet. See README.md."""
