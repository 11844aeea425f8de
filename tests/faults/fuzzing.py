"""A seeded mutator that knows the structure of a model file, and an audit hook that notices if a file acts."""

import contextlib
import copy
import difflib  # noqa: F401 - minidl imports it at its first error; here that would look like a file's doing
import json
import pathlib
import random
import sys
import time

import minidl
from tests.faults.forging import forge, parts, resealed, text_of

DEEP = "deeper than json can write"  # becomes 3,000 lists inside each other
NUMBERS = [0, 1, -1, 2, 3, 0.5, -0.0, 1e308, 2**31, 2**63 - 1, 2**63, -(2**63), 10**9, 10**40, 1e-320]
TEXTS = [
    "",
    "x",
    "Dense",
    "relu",
    "os.system",
    "__import__",
    "builtins.eval",
    "weights/end/W",
    "nan",
    "\0",
    "\ud800",
    "é" * 99,
    "\x1b[31m",
    "x" * 5000,
    "__class__",
    "update",
    "higher_is_better",
    "_total",
]
SHAPES = [[], [0], [3, 4], [10**9, 10**9], [-1], [1] * 70, [2**63], "3", None, [True], [4.0]]
TYPES = ["F64", "F32", "I64", "BF16", "F16", "BOOL", "F8_E4M3", "", 7, None, "f32"]


def values(random):
    """Any JSON value, the likely and the strange."""
    kind = random.randrange(8)
    if kind == 0:
        return random.choice(NUMBERS)
    if kind == 1:
        return random.choice(TEXTS)
    if kind == 2:
        return random.choice([None, True, False, [], {}, [[]], {"": None}])
    if kind == 3:
        return {random.choice(["tuple", "dict", "float", "array", "function", "scalar", "class"]): values(random)}
    if kind == 4:
        return {"class": random.choice(classes()), "config": {}}
    if kind == 5:
        deep = random.choice(NUMBERS)
        for _ in range(random.choice([3, 50])):
            deep = [deep]
        return random.choice([deep, DEEP])
    if kind == 6:
        return {
            "class": random.choice(classes()),
            "name": None,
            "trainable": True,
            "input_shape": None,
            "config": {"units": random.choice(NUMBERS)},
        }
    if random.random() < 0.1:  # many of one
        return [random.choice(NUMBERS + TEXTS)] * random.choice([65, 1000, 20_000])
    return [values(random) for _ in range(random.randrange(3))]


def classes():
    from minidl.config import registry

    return [*registry, "subprocess.Popen", "Layer"]


def nodes(value, path=()):
    """All places in a JSON value, as paths."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from nodes(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nodes(item, (*path, index))


def mutate_tree(random, tree, within=None):
    """The tree with one place changed: replaced, removed, doubled, or exchanged with another.

    ``within`` are the keys of the tree that may change; None for all.
    """
    tree = copy.deepcopy(tree)
    places = [path for path in nodes(tree) if path and (within is None or path[0] in within)]
    path = random.choice(places)
    holder = tree
    for key in path[:-1]:
        holder = holder[key]
    key, kind = path[-1], random.randrange(6)
    if kind == 0:
        del holder[key]
    elif kind == 1 and isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    elif kind == 2 and isinstance(holder, dict):
        holder[random.choice([text for text in TEXTS if text.isascii()])] = holder.pop(key)
    elif kind == 3:
        other = tree
        for step in random.choice(places):
            other = other[step]
        holder[key] = copy.deepcopy(other)
    else:
        holder[key] = values(random)
    return tree


def mutate_entries(random, entries, data):
    """The arrays' entries or bytes, changed."""
    entries, data = copy.deepcopy(entries), bytearray(data)
    name = random.choice(list(entries))
    kind = random.randrange(8)
    if kind == 0:
        entries[name]["dtype"] = random.choice(TYPES)
    elif kind == 1:
        entries[name]["shape"] = random.choice(SHAPES)
    elif kind == 2:
        entries[name]["data_offsets"] = [
            random.choice([0, 4, 16, len(data), -4, 2**63]) for _ in range(random.choice([2, 2, 1, 3]))
        ]
    elif kind == 3:
        other = random.choice(list(entries))
        entries[name], entries[other] = entries[other], entries[name]
    elif kind == 4:
        entries[random.choice(TEXTS[:-2])] = entries.pop(name)
    elif kind == 5:
        start, end = entries[name]["data_offsets"]
        place = random.randrange(start, max(end - 3, start + 1))
        data[place : place + 4] = random.choice([b"\0\0\xc0\x7f", b"\0\0\x80\x7f", b"\xff" * 4, b"\0\0\0\x80"])
    elif kind == 6:
        entries[name]["extra"] = values(random)
    else:
        entries[name] = values(random)
    return entries, bytes(data)


def mutate_bytes(random, data):
    """The file with some bytes changed, removed, repeated or appended."""
    data = bytearray(data)
    for _ in range(random.choice([1, 1, 1, 3, 20])):
        place = random.randrange(len(data))
        kind = random.randrange(6)
        if kind == 0:
            data[place] ^= 1 << random.randrange(8)
        elif kind == 1:
            data[place] = random.randrange(256)
        elif kind == 2:
            del data[place : place + random.choice([1, 8, 100])]
        elif kind == 3:
            data[place:place] = data[place : place + random.choice([1, 8, 100])]
        elif kind == 4:
            data += bytes(random.randrange(256) for _ in range(random.choice([1, 8])))
        else:
            data[:8] = random.choice([0, 2, len(data), 2**31, 2**63, 2**64 - 1]).to_bytes(8, "little")
        data = data or bytearray(b"\0")
    return bytes(data)


def mutants(data, seed, count, *, resealed_all=False, within=None):
    """Yield ``count`` mutants of a file, each with whether its digest is right; of a fifth it is, or of all.

    ``within`` are the keys of the content that may change; None for all.
    """
    source = random.Random(seed)
    content, entries, arrays = parts(data)
    for index in range(count):
        kind = source.randrange(3)
        if kind == 0:
            tree = mutate_tree(source, content, within)
            text = text_of(tree).replace(json.dumps(DEEP), "[" * 3000 + "]" * 3000)
            if source.random() < 0.1:
                text = text.replace(
                    "0.25", source.choice(["NaN", "Infinity", "1e999", "0.25, 0.25", '0.25, "rate": 0.5'])
                )
            mutant = forge(text, entries, arrays)
        elif kind == 1:
            changed, bytes_ = mutate_entries(source, entries, arrays)
            inside = json.dumps(changed)[1:-1]
            if source.random() < 0.1:
                inside += f", {inside}"  # every key twice
            mutant = forge(text_of(content), inside, bytes_)
        else:
            mutant = resealed(mutate_bytes(source, data))
        valid = resealed_all or index % 5 == 0
        if not valid:
            mutant = broken_seal(source, mutant)
        yield mutant, valid


def broken_seal(random, data):
    """The file with one digit of its digest changed."""
    place = data.find(b'\\"sha256\\": \\"') + 14 + random.randrange(64)
    if not 14 <= place < len(data):
        return data + b"\0"
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


@contextlib.contextmanager
def cheap(size):
    """Fail if what is inside takes a second of the processor, or more memory than 3 files of this size and 64 MiB."""
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        pathlib.Path("/proc/self/clear_refs").write_text("5")  # the peak begins at what is in use
        before = _peak(status)
    start = time.process_time()
    yield
    assert time.process_time() - start < 1
    if status.exists():
        assert _peak(status) - before <= 3 * size + (64 << 20)


def _peak(status):
    """Return the largest number of bytes that this process has had in memory."""
    return 1024 * int(status.read_text().partition("VmHWM:")[2].split()[0])


FORBIDDEN = (
    "exec", "compile", "import", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.remove",
    "os.rename", "subprocess.Popen", "socket.", "pickle.find_class", "marshal.", "ctypes.", "shutil.", "code.__new__",
    "function.__new__",
)  # fmt: skip
PACKAGE = str(pathlib.Path(minidl.__file__).parent)
_watching = []


def _hook(event, arguments):
    if _watching:
        writes = False
        if event == "open":  # the table of names is read when one is unknown
            known = str(arguments[0]) == _watching[0][0] or str(arguments[0]).startswith(PACKAGE)
            writes = str(arguments[1] or "r").strip("rb") or not known
        if writes or event.startswith(FORBIDDEN):
            _watching[0][1].append((event, str(arguments)[:200]))


_installed = []


@contextlib.contextmanager
def audited(path):
    """Collect what happens inside that only running code would do; reading ``path`` is allowed."""
    if not _installed:
        sys.addaudithook(_hook)
        _installed.append(True)
    seen = []
    _watching.append((str(path), seen))
    try:
        yield seen
    finally:
        _watching.clear()
