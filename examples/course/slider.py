"""A slider over pictures: on a page or in a notebook it moves; in print, or without JavaScript, all frames show."""

import base64
import html
import io
from collections.abc import Callable, Iterable

import matplotlib.pyplot as plt

STYLE = """
.frames { display: flex; flex-wrap: wrap; gap: 0.5em; }
.frames figure { flex: 1 1 14em; margin: 0; }
.frames figure img { width: 100%; }
@media screen {
  .frames.live figure { display: none; flex-basis: 100%; }
  .frames.live figure.shown { display: block; }
  .frames input { flex: 1 1 100%; }
}
@media print { .frames input { display: none; } }
"""
SCRIPT = """
(frames => {
  const figures = [...frames.querySelectorAll("figure")], range = frames.querySelector("input");
  const show = () => figures.forEach((figure, i) => figure.classList.toggle("shown", i == range.value));
  frames.classList.add("live"); range.hidden = false; range.addEventListener("input", show); show();
})(document.currentScript.previousElementSibling);
"""


class Slider:
    """Pictures in a row, one for each value.

    Parameters
    ----------
    values : iterable
        What moves: steps, depths, thresholds, ...
    draw : callable
        ``draw(value)`` returns a matplotlib figure.
    name : str
        What the values are, for the captions.
    """

    def __init__(self, values: Iterable, draw: Callable, name: str):
        self.frames = []
        for value in values:
            figure, picture = draw(value), io.BytesIO()
            figure.savefig(picture, format="png", dpi=80)
            plt.close(figure)
            self.frames.append((f"{name} {value}", base64.b64encode(picture.getvalue()).decode()))

    def _repr_html_(self) -> str:
        captions = [html.escape(caption) for caption, _ in self.frames]
        figures = "".join(
            f'<figure><img src="data:image/png;base64,{picture}" alt="{caption}">'
            f"<figcaption>{caption}</figcaption></figure>"
            for caption, (_, picture) in zip(captions, self.frames, strict=True)
        )
        last = len(self.frames) - 1
        slider = f'<input type="range" min="0" max="{last}" value="0" aria-label="{captions[0]} and on" hidden>'
        return f'<style>{STYLE}</style><div class="frames">{slider}{figures}</div><script>{SCRIPT}</script>'
