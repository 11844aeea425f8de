"""SVG drawing: boxes, text, arrows and flat vectors as strings, and the logo."""

FONT = 'font-family="sans-serif"'
ARROW = (
    '<marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
    '<path d="M0 0 L8 4 L0 8 z"/></marker>'
)


def titled(x: float, y: float, width: float, height: float, title: str, detail: str) -> str:
    """Return a box with a title and a line of detail at its top."""
    lines = text(x + width / 2, y + 22, title, 15, weight="bold") + text(x + width / 2, y + 41, detail, 12)
    return box(x, y, width, height) + lines


def row_of(x: float, y: float, width: float, height: float, names: tuple[str, ...]) -> str:
    """Return a row of boxes."""
    each = width / len(names)
    boxes = [(x + index * each, name) for index, name in enumerate(names)]
    return "".join(
        box(left + 2, y, each - 4, height, "white")
        + "".join(text(left + each / 2, y + height / 2 + 4 + 7 * shift, line, 12) for line, shift in lines_of(name))
        for left, name in boxes
    )


def lines_of(path: str) -> list[tuple[str, int]]:
    """Return a path on one line, or split over two lines."""
    first, slash, second = path.partition("/")
    return [(first + slash, -1), (second, 1)] if slash else [(path, 0)]


def vector(x: float, y: float, name: str) -> str:
    """Return a flat vector, divided into the arrays of two dense layers."""
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
    """Return a box with rounded corners."""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="5" fill="{fill}" stroke="black"/>'


def text(x: float, y: float, words: str, size: float, *, anchor: str = "middle", weight: str = "normal") -> str:
    """Return a line of text."""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">{words}</text>'


def arrow(x: float, y: float, end: float, low: float, words: str = "") -> str:
    """Return an arrow with a short label on its right."""
    line = f'<path d="M{x} {y} L{end} {low}" stroke="black" marker-end="url(#head)"/>'
    return line + (text(x + 10, (y + low) / 2 + 4, words, 12, anchor="start") if words else "")


def bent_arrow(path: str) -> str:
    """Return an arrow along ``path``, in SVG path syntax."""
    return f'<path d="{path}" fill="none" stroke="black" marker-end="url(#head)"/>'


def marker(shape: str, x: float, y: float, color: str) -> str:
    """Return a small filled circle, square, triangle or diamond."""
    paths = {"square": "-6 -6 h12 v12 h-12 z", "triangle": "0 -8 l8 14 h-16 z", "diamond": "0 -8 l8 8 l-8 8 l-8 -8 z"}
    if shape == "circle":
        return f'<circle cx="{x:.1f}" cy="{y}" r="6.5" fill="{color}"/>'
    return f'<path transform="translate({x:.1f} {y})" d="M{paths[shape]}" fill="{color}"/>'


def document(width: float, height: float, parts: list[str]) -> str:
    """Return the parts as an SVG document with a white background."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'{FONT}>{ARROW}<rect width="{width}" height="{height}" fill="white"/>{"".join(parts)}</svg>'
    )


# A unit with two inputs and its output.
MARK = (
    '<path d="M12 14 L32 32 M12 50 L32 32" stroke="{ink}"/><path d="M32 32 H52" stroke="{accent}"/>'
    '<circle cx="12" cy="14" r="8" fill="{ink}"/><circle cx="12" cy="50" r="8" fill="{ink}"/>'
    '<circle cx="32" cy="32" r="9" fill="{ground}" stroke="{ink}"/><circle cx="54" cy="32" r="8" fill="{accent}"/>'
)
LETTERS = (
    "M80 54 V26 M80 36 a10 10 0 0 1 20 0 V54 M100 36 a10 10 0 0 1 20 0 V54",  # m
    "M134 54 V26",  # i
    "M148 54 V26 M148 37 a11 11 0 0 1 22 0 V54",  # n
    "M184 54 V26",  # i
    "M224 40 a13.5 13.5 0 1 0 -27 0 a13.5 13.5 0 1 0 27 0 M224 8 V54",  # d
    "M239 8 V54",  # l
)
DOTS = '<circle cx="134" cy="13" r="4.5" fill="{accent}"/><circle cx="184" cy="13" r="4.5" fill="{accent}"/>'


def logo(ink: str, accent: str, ground: str) -> str:
    """Return the logo with the name, for a page with background colour ``ground``."""
    return strokes(250, f'{MARK}<path d="{" ".join(LETTERS)}" stroke="{{ink}}"/>{DOTS}', ink, accent, ground)


def favicon(ink: str, accent: str, ground: str) -> str:
    """Return the logo without the name, on a tile of colour ``ground``."""
    tile = '<rect width="64" height="64" rx="12" fill="{ground}"/>'
    inside = f'<g transform="translate(7 7) scale(0.78)">{MARK}</g>'
    return strokes(64, tile + inside, ink, accent, ground)


def strokes(width: int, shapes: str, ink: str, accent: str, ground: str) -> str:
    """Return ``shapes`` in these colours as an SVG document of rounded strokes."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} 64" width="{width}" height="64" fill="none" '
        f'stroke-width="6.5" stroke-linecap="round" stroke-linejoin="round"><title>minidl</title>'
        f"{shapes.format(ink=ink, accent=accent, ground=ground)}</svg>\n"
    )
