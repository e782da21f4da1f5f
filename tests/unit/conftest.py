"""Hypothesis without its clock: tests run side by side, and beside labs."""

from hypothesis import settings

settings.register_profile("no-clock", deadline=None)
settings.load_profile("no-clock")
