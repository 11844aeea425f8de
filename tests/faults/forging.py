"""Model files made by hand: the bytes of any header and any content, with a digest that is right."""

import json

from minidl.saving.format import START, seal

ZEROS = "0" * 64


def parts(data):
    """Take a model file apart: its content (a dict), the entries of its arrays (a dict), and their bytes."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    content = json.loads(header.pop("__metadata__")["minidl"])
    return content, header, data[8 + length :]


def text_of(content):
    """The JSON text of a content, with zeros for the digest."""
    return json.dumps({"sha256": ZEROS, **{name: value for name, value in content.items() if name != "sha256"}})


def header_of(text, entries):
    """The bytes of a header; ``entries`` is a dict or a piece of JSON text without its braces."""
    inside = entries if isinstance(entries, str) else json.dumps(entries)[1:-1]
    head = f'{{"__metadata__":{{"minidl":{json.dumps(text)}}}{"," if inside else ""}{inside}}}'.encode()
    return head + b" " * (-len(head) % 8)


def forge(text, entries, data):
    """A whole file with a valid digest, if the header begins as it must."""
    return resealed(raw(header_of(text, entries), data))


def raw(header, data):
    """A file of these bytes, with the length before them."""
    return len(header).to_bytes(8, "little") + header + data


def resealed(data):
    """The file with the digest that its bytes have; unchanged if there is no place for one."""
    start = 8 + len(START)
    if data[8:start] != START or len(data) < start + 64:
        return data
    return b"".join(bytes(part) for part in seal(data[:start] + ZEROS.encode() + data[start + 64 :]))
