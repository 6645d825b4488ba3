"A reader's session: JupyterLab, a chapter run from top to bottom, a slider moved, another picture."
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress

import pytest

from conftest import ROOT


def answering(log):
    "The address that a server wrote into its log, as soon as it answers there."
    for address in reversed(re.findall(r"http://127\.0\.0\.1:\d+/", log)):
        with suppress(OSError):
            urllib.request.urlopen(address + "api", timeout=30).close()
            return address


@pytest.fixture
def lab(tmp_path):
    "JupyterLab on a free port of this machine, serving a folder that holds one chapter."
    shutil.copy(ROOT / "nbs" / "11b_widgets.ipynb", tmp_path)
    (tmp_path / "home").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": str(tmp_path / "home"), "JUPYTER_RUNTIME_DIR": str(tmp_path / "home")}
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=", "--LabApp.news_url=",
               "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", f"--ServerApp.root_dir={tmp_path}"]
    log = open(tmp_path / "home" / "log", "w+")
    server = subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        deadline, address = time.monotonic() + 120, None
        while address is None and server.poll() is None and time.monotonic() < deadline:
            time.sleep(0.5)
            address = answering((tmp_path / "home" / "log").read_text())
        assert address, (tmp_path / "home" / "log").read_text()[-2000:]
        yield address
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(20)
        log.close()


def test_a_slider_changes_the_picture(browser, lab):
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(120_000)
    tab.goto(f"{lab}lab/tree/11b_widgets.ipynb?reset")
    tab.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    tab.get_by_role("button", name="Select Kernel").click()  # the notebook names none, so that it runs anywhere
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    tab.get_by_role("button", name="Record", exact=True).wait_for()  # the last panel: everything before it has run
    assert tab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    handle = tab.locator(".widget-slider:has-text('γ') .noUi-handle")
    handle.scroll_into_view_if_needed()
    picture = tab.locator(".widget-vbox:has(.widget-slider:has-text('γ')) > img")
    before = contents(picture)
    handle.focus()
    for _ in range(4):
        tab.keyboard.press("ArrowRight")
    deadline = time.monotonic() + 60
    while contents(picture) == before and time.monotonic() < deadline:
        time.sleep(0.25)
    assert contents(picture) != before, "the picture is the one from before the slider moved"
    assert picture.evaluate("image => image.naturalWidth") > 300
    tab.close()


def contents(picture):
    "The bytes of a picture in the page."
    return picture.evaluate("async image => Array.from(new Uint8Array(await (await fetch(image.src)).arrayBuffer())).join()")
