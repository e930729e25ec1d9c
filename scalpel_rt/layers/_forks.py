"""Fields that only the messages of forks have: the "bvlc" dialect's messages are without them."""


def given(message, field, default=None):
    """The value of an optional field where it is known and set, else ``default``."""
    if field in message.DESCRIPTOR.fields_by_name and message.HasField(field):
        return getattr(message, field)
    return default


def listed(message, field):
    """The values of a repeated field as a tuple, () where it is not known."""
    return tuple(getattr(message, field)) if field in message.DESCRIPTOR.fields_by_name else ()
