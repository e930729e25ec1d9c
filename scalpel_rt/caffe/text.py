"""Reads and writes prototxt, as strict as Caffe is about it.

Caffe reads with the C++ TextFormat of protobuf. The Python one differs in what it takes (``1_000``, ``0b1``, a
word with a minus in it), does not ask for required fields, and is slow; so the reader here is our own. Its
grammar is that of TextFormat's documentation, https://protobuf.dev/reference/protobuf/textformat-spec, with the
limits of the C++ parser.
"""

import re
from difflib import get_close_matches
from functools import cache
from math import inf, nan

from google.protobuf import text_format
from google.protobuf.descriptor import FieldDescriptor as Field

from ..errors import FormatError, LimitError
from ..files import atomic_write, read_whole
from ..options import Limits
from .messages import decode, messages


def read_prototxt(path, dialect="any", message="NetParameter", limits=None):
    """Read a net (or with ``message`` another of Caffe's messages, as "SolverParameter") from a text file.

    The message is as the file says, older formats included; :func:`scalpel_rt.caffe.upgrade_net` makes it V2.
    Raises FormatError with file and line, LimitError for more layers, bottoms or tops than ``limits`` (a Limits)
    permits, OSError where the file cannot be read.
    """
    return parse_prototxt(read_whole(path), name=str(path), dialect=dialect, message=message, limits=limits)


def parse_prototxt(text, name=None, dialect="any", message="NetParameter", limits=None):
    """Like :func:`read_prototxt`, from a str or bytes; ``name`` stands in errors as the file."""
    made = getattr(messages(dialect), message)()
    try:
        _Parser(_as_text(text), (limits or Limits()).max_layers).fill(made)
    except (FormatError, LimitError) as error:
        raise error.locate(file=name) from None
    return made


def format_prototxt(message):
    """The text of a message, in ASCII as Caffe writes it; floats have just the digits to be read back as they are."""
    return text_format.MessageToString(message)


def write_prototxt(message, path):
    """Write :func:`format_prototxt` to a file, whole or not at all."""
    with atomic_write(path, "w") as file:
        file.write(format_prototxt(message))


def _as_text(text):
    if isinstance(text, bytes):
        # Comments and strings may be in any encoding; surrogateescape keeps their bytes as they are. Unlike Caffe we
        # step over a byte order mark.
        text = text.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    nul = text.find("\0")
    if nul >= 0:
        raise FormatError("a zero byte: this is a binary file, not a prototxt", line=text.count("\n", 0, nul) + 1)
    return text


_TOKEN = re.compile(
    r"""(?: [ \t\r\n\v\f]+ | \#[^\n]* )*
        (?: (?P<word> [A-Za-z_]\w* )
          | (?P<number> \.?\d (?: [eE][+-](?=\d) | [\w.] )* )
          | (?P<string> "(?:[^"\\\n]|\\[^\n])*" | '(?:[^'\\\n]|\\[^\n])*' )
          | (?P<mark> [-{}<>\[\]:,;] )
          | (?P<end> \Z )
          | (?P<bad> . ) )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_INTEGER = re.compile(r"0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*")
_FLOAT = re.compile(r"(?!0[0-9])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?[fF]?", re.ASCII)
_FLOAT_WORDS = {"inf": inf, "infinity": inf, "nan": nan}
_BOOL_WORDS = {"true": True, "True": True, "t": True, "false": False, "False": False, "f": False}
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPES = dict(zip(b"abfnrtv\\'\"?", b"\a\b\f\n\r\t\v\\'\"?", strict=True))
_INTEGERS = {
    Field.TYPE_INT32: (-(2**31), 2**31 - 1),
    Field.TYPE_UINT32: (0, 2**32 - 1),
    Field.TYPE_INT64: (-(2**63), 2**63 - 1),
    Field.TYPE_UINT64: (0, 2**64 - 1),
}


class _Parser:
    """A recursive descent over the tokens, one look ahead. No message of Caffe's holds itself, so the depth of the
    recursion is that of the messages (six at most), whatever the text."""

    def __init__(self, text, most):
        self.text = text
        self.most = most    # messages or strings in one list: a million of them would fill the memory
        self.tokens = _TOKEN.finditer(text)
        self.advance()

    def advance(self):
        found = next(self.tokens)
        self.kind = found.lastgroup
        self.token = found.group(self.kind)
        self.position = found.start(self.kind)
        if self.kind == "bad":
            if self.token in "'\"":
                raise self.error("a string that does not end on its line")
            shown = self.token if self.token.isprintable() else f"character U+{ord(self.token) % 0xDC00:04X}"
            raise self.error(f"{shown} has no place in a prototxt; is this a text file?")

    def line(self, position=None):
        return self.text.count("\n", 0, self.position if position is None else position) + 1

    def error(self, message, position=None):
        return FormatError(message, line=self.line(position))

    def found(self):
        return "the end of the file" if self.kind == "end" else self.token

    def take(self, mark):
        """Step over ``mark`` if it is next; says whether it was."""
        if self.kind == "mark" and self.token == mark:
            self.advance()
            return True
        return False

    def need(self, mark, where):
        if not self.take(mark):
            raise self.error(f"expected {mark!r} {where}, found {self.found()}")

    def fill(self, message):
        """All of the text into ``message``."""
        fields = _fields(message.DESCRIPTOR)
        while self.kind != "end":
            self.field(message, fields)
        self.close(message)

    def field(self, message, fields):
        name, position = self.token, self.position
        if self.kind != "word":
            raise self.error(f"expected a field of {message.DESCRIPTOR.name}, found {self.found()}")
        spec = fields.get(name)
        if spec is None:
            raise self.error(f"{message.DESCRIPTOR.name} has no field {name}{_near(name, fields)}")
        field, repeated = spec
        if not repeated and message.HasField(name):
            raise self.error(f"{name} of {message.DESCRIPTOR.name} is given twice")
        self.advance()
        colon = self.take(":")
        if field.message_type is None and not colon:
            raise self.error(f"expected ':' after {name}, found {self.found()}")
        if repeated and self.take("["):
            if not self.take("]"):
                self.value(message, field, repeated, position)
                while self.take(","):
                    self.value(message, field, repeated, position)
                self.need("]", f"at the end of the list {name}")
        else:
            self.value(message, field, repeated, position)
        if not self.take(","):
            self.take(";")

    def value(self, message, field, repeated, position):
        if field.message_type is not None:
            self.submessage(message, field, repeated, position)
            return
        value = _READERS[field.type](self, field)
        if repeated:
            if field.type == Field.TYPE_STRING:
                self.count(message, field)
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)

    def count(self, message, field):
        """One more in a list of messages or strings."""
        if len(getattr(message, field.name)) >= self.most:
            what = "layers" if field.name in ("layer", "layers") else f"of {field.name}"
            raise LimitError(f"more than Limits.max_layers = {self.most} {what}", line=self.line())

    def submessage(self, message, field, repeated, position):
        end = ">" if self.take("<") else "}"
        if end == "}":
            self.need("{", f"to open {field.name}")
        if repeated:
            self.count(message, field)
            made = getattr(message, field.name).add()
        else:
            made = getattr(message, field.name)
            made.SetInParent()
        fields = _fields(made.DESCRIPTOR)
        try:
            while not (self.kind == "mark" and self.token in ">}") and self.kind != "end":
                self.field(made, fields)
            if self.kind == "end":
                opened = self.line(position)
                raise self.error(f"the end of the file inside {field.name}, opened in line {opened}")
            self.close(made)
            self.need(end, f"to close {field.name}")
        except (FormatError, LimitError) as error:
            if field.message_type.name in ("LayerParameter", "V1LayerParameter"):
                error.locate(layer=made.name or None)
            raise

    def close(self, message):
        if not message.IsInitialized():
            raise self.error(f"{message.DESCRIPTOR.name} lacks the required "
                             f"{' and '.join(message.FindInitializationErrors())}")

    def integer(self, field):
        low, high = _INTEGERS[field.type]
        minus = "-" if low < 0 and self.take("-") else ""
        if not _INTEGER.fullmatch(self.token):
            shown = self.found()
            if self.take("-"):
                raise self.error(f"{field.name} cannot be negative, found -{self.found()}")
            raise self.error(f"{field.name} is an integer, found {minus}{shown}")
        value = _number(self.token)
        value = -value if minus else value
        if not low <= value <= high:
            raise self.error(f"{field.name} is out of range: {minus}{self.token} (from {low} to {high})")
        self.advance()
        return value

    def float(self, field):
        minus = self.take("-")
        value = None
        if self.kind == "number" and _FLOAT.fullmatch(self.token):
            value = float(self.token.rstrip("fF"))
        elif self.kind == "word":
            value = _FLOAT_WORDS.get(self.token.lower())
        if value is None:
            raise self.error(f"{field.name} is a decimal number, found {'-' if minus else ''}{self.found()}")
        self.advance()
        return -value if minus else value

    def bool(self, field):
        value = None
        if self.kind == "word":
            value = _BOOL_WORDS.get(self.token)
        elif self.kind == "number" and _INTEGER.fullmatch(self.token):
            value = {0: False, 1: True}.get(_number(self.token))
        if value is None:
            raise self.error(f"{field.name} is true or false, found {self.found()}")
        self.advance()
        return value

    def enum(self, field):
        minus = "-" if self.take("-") else ""
        if self.kind == "word" and not minus:
            value = field.enum_type.values_by_name.get(self.token)
        elif self.kind == "number" and _INTEGER.fullmatch(self.token):
            number = _number(self.token)
            value = field.enum_type.values_by_number.get(-number if minus else number)
        else:
            raise self.error(f"{field.name} is one of {_choices(field)}, found {minus}{self.found()}")
        if value is None:
            near = _near(self.token, field.enum_type.values_by_name)
            raise self.error(f"{field.name} cannot be {minus}{self.token}{near}: it is one of {_choices(field)}")
        self.advance()
        return value.number

    def bytes(self, field):
        if self.kind != "string":
            raise self.error(f"{field.name} is a string and wants quotes, found {self.found()}")
        parts = []
        while self.kind == "string":
            raw = self.token[1:-1].encode("utf-8", "surrogateescape")
            parts.append(_ESCAPE.sub(self.escape, raw) if b"\\" in raw else raw)
            self.advance()
        return b"".join(parts)

    def escape(self, found):
        octal, hexa, short, long, other = found.groups()
        if octal is not None:
            return bytes([int(octal, 8) & 255])
        if hexa is not None:
            return bytes([int(hexa, 16)])
        if other is not None:
            if other[0] not in _ESCAPES:
                raise self.error(f"unknown escape {other!a} after a backslash in a string")
            return bytes([_ESCAPES[other[0]]])
        code = int(short or long, 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise self.error(f"there is no character U+{code:04X}")
        return chr(code).encode()

    def string(self, field):
        return decode(self.bytes(field))


_READERS = {
    **dict.fromkeys(_INTEGERS, _Parser.integer),
    Field.TYPE_FLOAT: _Parser.float,
    Field.TYPE_DOUBLE: _Parser.float,
    Field.TYPE_BOOL: _Parser.bool,
    Field.TYPE_ENUM: _Parser.enum,
    Field.TYPE_STRING: _Parser.string,
    Field.TYPE_BYTES: _Parser.bytes,
}


@cache
def _fields(descriptor):
    """{field name: (its descriptor, is it repeated)} of a message."""
    return {field.name: (field, _is_repeated(field)) for field in descriptor.fields}


def _is_repeated(field):
    try:
        return field.is_repeated
    except AttributeError:  # protobuf before 6.30, where `label` is not yet deprecated
        return field.label == Field.LABEL_REPEATED


def _number(token):
    """An integer token as int; longer than any that fits stays too large (Python limits the digits of an int)."""
    if len(token) > 64:
        return 2**64
    if token[:2] in ("0x", "0X"):
        return int(token, 16)
    return int(token, 8 if token[0] == "0" else 10)


def _near(name, known):
    best = get_close_matches(name, known, n=1) if len(name) < 100 else []
    return f" (did you mean {best[0]}?)" if best else ""


def _choices(field):
    names = list(field.enum_type.values_by_name)
    return ", ".join(names if len(names) <= 12 else [*names[:12], "..."])
