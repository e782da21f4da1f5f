"""What the tools of a host print, read into types: pure functions over text.

A module for each tool. Each function returns a value, or raises `Unreadable` with the line it could not read; it never
guesses. `UNPROVEN` in a module says which of its forms no recording of a real machine has confirmed.

Two rules hold for all of them. The last line of a text that does not end with a line break may be cut: it is read only
where its form shows that it is whole. And a list that is cut between two lines is found out only where the tool says
how long it is: that an output is complete must be known by how it was fetched.
"""

from hybridctl.refusals import Unreadable

__all__ = ["Unreadable"]
