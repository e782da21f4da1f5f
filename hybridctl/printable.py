"""Text of others as a terminal may show it: without what would drive it, and of a length that a person reads."""

__all__ = ["printable"]


def printable(text: str, most: int = 0, keep: str = "") -> str:
    """Return the text with a question mark for every letter that is none: escapes, controls, what turns the direction.

    Args:
        most: letters that are left of a longer text; 0 leaves all.
        keep: letters that may stay all the same.
    """
    if text.isprintable() and (not most or len(text) <= most):
        return text
    shown = "".join(letter if letter.isprintable() or letter in keep else "?" for letter in text[: most or None])
    return f"{shown}..." if most and len(text) > most else shown
