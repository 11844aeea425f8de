"""SVG: boxes, lines of text, arrows and flat vectors, as strings."""

FONT = 'font-family="sans-serif"'
ARROW = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z"/></marker>'
)


def titled(x: float, y: float, width: float, height: float, title: str, detail: str) -> str:
    """Return a box with two lines of text at its top."""
    lines = text(x + width / 2, y + 22, title, 15, weight="bold") + text(x + width / 2, y + 41, detail, 12)
    return box(x, y, width, height) + lines


def row_of(x: float, y: float, width: float, height: float, names: tuple[str, ...]) -> str:
    """Return boxes next to each other."""
    each = width / len(names)
    boxes = [(x + index * each, name) for index, name in enumerate(names)]
    return "".join(
        box(left + 2, y, each - 4, height, "white")
        + "".join(text(left + each / 2, y + height / 2 + 4 + 7 * shift, line, 12) for line, shift in lines_of(name))
        for left, name in boxes
    )


def lines_of(path: str) -> list[tuple[str, int]]:
    """Return a path as one line, or as two above each other."""
    first, slash, second = path.partition("/")
    return [(first + slash, -1), (second, 1)] if slash else [(path, 0)]


def vector(x: float, y: float, name: str) -> str:
    """Return a flat vector, with the parts that belong to the arrays of two dense layers."""
    parts, letter = [], "d" if name == "gradients" else ""
    left = x + 70
    for size, array in ((120, "W"), (36, "b"), (104, "W"), (36, "b")):
        parts.append(
            f'<rect x="{left}" y="{y}" width="{size}" height="22" fill="white" stroke="black"/>'
            + text(left + size / 2, y + 15, letter + array, 12)
        )
        left += size
    return text(x, y + 15, name, 12, anchor="start") + "".join(parts)


def box(x: float, y: float, width: float, height: float, fill: str = "#f2f2f2") -> str:
    """Return a box with round corners."""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="black"/>'


def text(x: float, y: float, words: str, size: float, *, anchor: str = "middle", weight: str = "normal") -> str:
    """Return a line of text."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">{words}</text>'


def arrow(x: float, y: float, end: float, low: float, words: str = "") -> str:
    """Return an arrow with a few words at its right."""
    line = f'<path d="M{x} {y} L{end} {low}" stroke="black" marker-end="url(#head)"/>'
    return line + (text(x + 10, (y + low) / 2 + 4, words, 12, anchor="start") if words else "")


def bent_arrow(path: str) -> str:
    """Return an arrow along ``path``, in the letters of SVG."""
    return f'<path d="{path}" fill="none" stroke="black" marker-end="url(#head)"/>'


def document(width: float, height: float, parts: list[str]) -> str:
    """Return the parts as an SVG document on white."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'{FONT}>{ARROW}<rect width="{width}" height="{height}" fill="white"/>{"".join(parts)}</svg>'
    )
