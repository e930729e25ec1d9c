"""Caffe's message classes, made at run time from the descriptors that the build compiled from proto/*.proto.

Two dialects: ``"bvlc"`` is Caffe itself, ``"any"`` adds what public forks added. Each lives in a descriptor pool
of its own, so that nothing here meets another Caffe's messages in the same process.
"""

from functools import cache
from importlib import resources
from types import SimpleNamespace

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from ..errors import OptionsError

DIALECTS = ("bvlc", "any")


@cache
def messages(dialect="any"):
    """All of Caffe's messages and enums by name: ``messages("any").NetParameter()``.

    Returns a namespace with a class for every top-level message (nested enums are attributes of their message,
    as ``ConvolutionParameter.CAFFE``) and a wrapper for every top-level enum (``Phase.Value("TEST")``).
    Raises OptionsError for an unknown dialect.
    """
    if dialect not in DIALECTS:
        raise OptionsError(f"unknown dialect {dialect!r}: it is one of {', '.join(map(repr, DIALECTS))}")
    file = _load("caffe")
    if dialect == "any":
        _merge(file, _load("forks"))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    descriptor = pool.FindFileByName(file.name)
    names = {name: message_factory.GetMessageClass(d) for name, d in descriptor.message_types_by_name.items()}
    names.update((name, _Enum(d)) for name, d in descriptor.enum_types_by_name.items())
    return SimpleNamespace(**names)


def decode(data):
    """The text of a string of Caffe's. To Caffe strings are bytes: those that are not UTF-8 are taken as Latin-1."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


class _Enum:
    """A top-level enum: the numbers as attributes, and both ways between names and numbers."""

    def __init__(self, descriptor):
        self.DESCRIPTOR = descriptor
        for value in descriptor.values:
            setattr(self, value.name, value.number)

    def Value(self, name):
        return self.DESCRIPTOR.values_by_name[name].number

    def Name(self, number):
        return self.DESCRIPTOR.values_by_number[number].name


def _load(name):
    """The FileDescriptorProto of proto/<name>.proto."""
    path = resources.files(__package__).joinpath(f"{name}.desc")
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ImportError(f"{path} is missing: build the package, or run `python proto/compile.py`") from error
    return descriptor_pb2.FileDescriptorSet.FromString(data).file[0]


def _merge(file, extra):
    """Lay ``extra`` (package forks) over ``file`` (package caffe), message by message, in place."""
    _merge_types(file.message_type, extra.message_type)
    for message in file.message_type:
        _rename_types(message, f".{extra.package}.", f".{file.package}.")


def _merge_types(types, extra):
    known = {message.name: message for message in types}
    for message in extra:
        if message.name not in known:
            types.add().CopyFrom(message)
            continue
        mine = known[message.name]
        mine.field.extend(message.field)
        _merge_types(mine.nested_type, message.nested_type)
        enums = {enum.name: enum for enum in mine.enum_type}
        for enum in message.enum_type:
            if enum.name in enums:
                enums[enum.name].value.extend(enum.value)
            else:
                mine.enum_type.add().CopyFrom(enum)


def _rename_types(message, old, new):
    for field in message.field:
        if field.type_name.startswith(old):
            field.type_name = new + field.type_name[len(old):]
    for nested in message.nested_type:
        _rename_types(nested, old, new)
