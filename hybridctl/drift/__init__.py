"""Drift: what differs from what the site says, since when, as text, as metrics, on a timer."""
