"""Gallery thumbnails: the first panel of a page's first picture, large enough to read."""

import shutil
from pathlib import Path

from sphinx_gallery.scrapers import matplotlib_scraper

HERE = Path(__file__).parent
PANELS = HERE / "_generated" / "panels"


def scrape(block, block_vars, gallery_conf):
    """Collect the pictures of a block as sphinx-gallery does, and save the first panel of the page's first picture."""
    from matplotlib import pyplot

    if pyplot.get_fignums() and len(block_vars["image_path_iterator"]) == 0:
        figure = pyplot.figure(pyplot.get_fignums()[0])
        figure.canvas.draw()
        panel = figure.axes[0].get_tightbbox().padded(4).transformed(figure.dpi_scale_trans.inverted())
        PANELS.mkdir(parents=True, exist_ok=True)
        figure.savefig(PANELS / f"{Path(block_vars['src_file']).stem}.png", bbox_inches=panel, dpi=120)
    return matplotlib_scraper(block, block_vars, gallery_conf)


def replace_thumbnails(app):
    """Replace the thumbnails, which show whole pictures, with the saved panels."""
    for panel in PANELS.glob("*.png"):
        for thumbnail in HERE.glob(f"*/images/thumb/sphx_glr_{panel.stem}_thumb.png"):
            shutil.copy(panel, thumbnail)
