"""Collect once, judge purely: what a host said to each command, fetched many at a time, kept, and judged again offline.

`backend` is the testinfra host that suspends a check on a command not yet asked; `rounds` runs suspended checks again;
`script` and `frames` are the two ends of one trip to a host; `record` and `replay` write and read evidence files.
"""
