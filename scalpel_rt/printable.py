"""Text from strangers' files, as a terminal or a page may be given it."""


def printable(text):
    """``text`` with all that a terminal would obey, and not show, as escapes: names come from files."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)
