"""Which fields of a net BVLC Caffe does not know."""

from ..caffe import messages


def fork_fields(net):
    """The fields and enum words in a NetParameter that only forks have, each once, as "pooling_param.ceil_mode"."""
    found = {}
    _walk(net, messages("bvlc").NetParameter.DESCRIPTOR, "", found)
    return list(found)


def _walk(message, known, path, found):
    """Compare the fields that ``message`` holds with those of the descriptor ``known``."""
    for field, value in message.ListFields():
        name = f"{path}{field.name}"
        mine = known.fields_by_name.get(field.name)
        if mine is None:
            found[name] = None
        elif field.message_type is not None:
            if mine.message_type is None:
                found[name] = None
                continue
            inner = "" if field.name in ("layer", "layers") else f"{name}."
            for one in value if hasattr(value, "extend") else [value]:
                _walk(one, mine.message_type, inner, found)
        elif field.enum_type is not None and mine.enum_type is not None:
            for number in value if hasattr(value, "extend") else [value]:
                if number not in mine.enum_type.values_by_number:
                    found[f"{name}: {field.enum_type.values_by_number[number].name}"] = None
