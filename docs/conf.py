"""Sphinx configuration: every number and picture in the documentation is computed by running the library."""

import importlib
import re
import sys
import warnings
from pathlib import Path

from docutils import nodes
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

import minidl

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE / "live"))
import figures  # noqa: E402 - next to this file
import page  # noqa: E402 - the live page
import thumbnails  # noqa: E402

project = "minidl"
author = "the minidl authors"
copyright = "the minidl authors"
release = version = minidl.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = [
    "_build",
    "_generated",
    "course/*.ipynb",
    "course/*.py",
    "gallery/*.ipynb",
    "gallery/*.py",
    "**/sg_execution_times.rst",
    "sg_*.rst",
]
nitpicky = True
default_role = "py:obj"  # `fit` links to Sequential.fit: see link_short_names
suppress_warnings = ["config.cache"]  # sphinx-gallery's settings contain classes, which cannot be pickled
myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings state the types
autodoc_inherit_docstrings = False  # the base class documents `forward`
autosummary_generate = False
numpydoc_show_class_members = False

html_theme = "furo"
html_title = f"minidl {release}"
html_static_path = ["_static"]
html_css_files = ["minidl.css"]
html_theme_options = {"light_logo": "logo-light.svg", "dark_logo": "logo-dark.svg", "sidebar_hide_name": True}
html_favicon = "_static/favicon.svg"
copybutton_selector = "div.highlight:not(.highlight-text *, .highlight-none *) > pre"  # code, but not its output
copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True
html_show_sourcelink = False
html_copy_source = False


def without_frames(gallery_conf, fname):
    """Draw each page's pictures as minidl.plotting does, without the top and right axis lines."""
    import matplotlib as mpl

    mpl.rcdefaults()
    mpl.rcParams.update({"axes.spines.top": False, "axes.spines.right": False})


sphinx_gallery_conf = {
    "examples_dirs": ["../examples/course", "../examples/gallery"],
    "gallery_dirs": ["course", "gallery"],
    "filename_pattern": r"chapter\d+_|gallery",
    "ignore_pattern": r"slider\.py$",
    "within_subsection_order": "FileNameSortKey",
    "copyfile_regex": r"^$",
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
    "reset_modules": ("matplotlib", without_frames),
    "min_reported_time": 1000,
    "image_scrapers": (thumbnails.scrape,),
    "thumbnail_size": (480, 360),
    "default_thumb_file": str(HERE / "_generated" / "misprint.svg"),
}

# Modules whose public names must all be in the API reference.
PUBLIC = [
    "minidl",
    "minidl.callbacks",
    "minidl.datasets",
    "minidl.errors",
    "minidl.explain",
    "minidl.initializers",
    "minidl.layers",
    "minidl.losses",
    "minidl.metrics",
    "minidl.models",
    "minidl.optimizers",
    "minidl.optimizers.schedules",
    "minidl.plotting",
    "minidl.regularizers",
    "minidl.schedules",
    "minidl.solvers",
    "minidl.testing",
    "minidl.testing.strategies",
    "minidl.utils",
]
# Line: no function takes or returns it. html: the notebook representation of a model.
INSIDE = {"minidl.explain.Line", "minidl.explain.html"}

warnings.filterwarnings("ignore", "Unknown section Shapes")  # from numpydoc: see show_shapes
logger = logging.getLogger(__name__)
# A table of contents may list pages that do not exist yet; this warning has no type by which to suppress it.
logging.getLogger("sphinx.directives.other").logger.addFilter(lambda record: "glob pattern" not in str(record.msg))


def check_that_every_public_name_is_documented(app, env):
    """Warn (which fails the build) about each public name without an entry in the API reference."""
    documented = {target.split(".")[-1] for target in env.get_domain("py").objects}
    for module_name in PUBLIC:
        module = importlib.import_module(module_name)
        own = [name for name, thing in vars(module).items() if getattr(thing, "__module__", None) == module_name]
        for name in getattr(module, "__all__", [name for name in own if name[0] != "_"]):
            thing = getattr(module, name)
            is_module = type(thing) is type(minidl)
            if f"{module_name}.{name}" in INSIDE:
                continue
            if not is_module and not {name, type(thing).__name__} & documented:  # or the class of an instance is
                logger.warning("%s.%s is public and has no entry in the API reference", module_name, name)
            if not is_module and not getattr(thing, "__doc__", None):
                logger.warning("%s.%s is public and has no docstring", module_name, name)


def show_shapes(app, what, name, obj, options, lines):
    """Move the section ``Shapes`` of our docstrings, which numpydoc does not know, into a block above the others."""
    if "Shapes" not in lines:
        return
    start = lines.index("Shapes")
    if set(lines[start + 1].strip()) != {"-"}:
        return
    end = next(
        (at - 1 for at in range(start + 2, len(lines)) if lines[at] and set(lines[at].strip()) == {"-"}), len(lines)
    )
    rows = ["    " + line.replace("`", "") for line in lines[start + 2 : end]]  # literal block: no markup
    block = ["**Shapes**", "", ".. code-block:: text", "", *rows, ""]
    del lines[start:end]
    first = next((at - 1 for at in range(1, len(lines)) if lines[at] and set(lines[at].strip()) == {"-"}), len(lines))
    lines[first:first] = block


def close_examples(app, docname, source):
    """Remove the empty line that ends an example and is needed only by the tests."""
    source[0] = re.sub(r"(?ms)^```python\n.*?^```$", lambda block: block[0].replace("\n\n```", "\n```"), source[0])


def link_short_names(app, env, node, text):
    """Resolve a name in backticks, such as `fit` or `Dense.build`, to the documented object whose name ends with it."""
    if node.get("refdomain") != "py" or node.get("reftype") != "obj":
        return None
    domain, target = env.get_domain("py"), node["reftarget"].rstrip("()")
    for home in (node.get("py:class"), *sorted(domain.objects, key=len)):
        full = f"{home}.{target}" if home == node.get("py:class") else home
        if full in domain.objects and (full == target or full.endswith(f".{target}")):
            entry = domain.objects[full]
            return make_refnode(app.builder, node["refdoc"], entry.docname, entry.node_id, [text], full)
    return None


def check_alternative_texts(app, doctree, docname):
    """Warn (which fails the build) about each picture on a page that has no alternative text."""
    for image in doctree.findall(nodes.image):
        if not image.get("alt") and "/thumb/" not in image.get("uri", ""):  # thumbnails have their titles next to them
            logger.warning("%s: the picture %s has no alternative text", docname, image.get("uri"))


def build_live_page(app, error):
    """Copy the live page and the wheel of this checkout into the built site."""
    if error is None and app.builder.format == "html":
        page.build(Path(app.outdir) / "live")


def let_names_break(app, doctree, docname):
    """Allow line breaks in long names, but not in a path before ``::``; keep short table cells on one line."""
    for literal in list(doctree.findall(nodes.literal)):
        path, colons, name = literal.astext().rpartition("::")
        if len(path + name) > 16:
            parts = [path + colons] * bool(path) + re.split(r"(?<=[_./(,=])(?=\w)", name)
            pieces = [piece for part in parts for piece in (nodes.raw("", "<wbr>", format="html"), nodes.Text(part))]
            literal.children = []
            literal.extend(pieces[1:])
    for entry in doctree.findall(nodes.entry):
        for text in list(entry.findall(nodes.Text)) if len(entry.astext()) <= 10 else []:
            text.parent.replace(text, nodes.Text(text.replace(" ", "\u00a0")))


def setup(app):
    """Draw the figures and connect the checks and page transformations."""
    figures.draw_all(HERE / "_generated")
    app.connect("source-read", close_examples)
    app.connect("autodoc-process-docstring", show_shapes, priority=400)
    app.connect("env-check-consistency", check_that_every_public_name_is_documented)
    app.connect("missing-reference", link_short_names)
    app.connect("builder-inited", thumbnails.replace_thumbnails, priority=900)  # after the gallery is generated
    app.connect("doctree-resolved", check_alternative_texts)
    app.connect("doctree-resolved", let_names_break)
    app.connect("build-finished", build_live_page)
