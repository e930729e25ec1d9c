"""Text from strangers' files, as a terminal or a page may be given it."""

from dataclasses import fields, is_dataclass, replace


def printable(value):
    """``value`` with all that a terminal would obey, and not show, as escapes: names come from files.

    Text, or anything that holds some: of lists, dicts and dataclasses a copy is made, the rest stays as it is.
    """
    if isinstance(value, str):
        if value.isprintable():
            return value
        return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in value)
    if isinstance(value, (list, tuple)):
        return [printable(each) for each in value]
    if isinstance(value, dict):
        return {printable(key): printable(each) for key, each in value.items()}
    if is_dataclass(value):
        return replace(value, **{f.name: printable(getattr(value, f.name)) for f in fields(value)})
    return value
