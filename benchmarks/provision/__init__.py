"""How fast provision is beside a naive playbook and pyinfra, and where its time goes. See README.md."""
