"""A reader's session: JupyterLab, a chapter run from top to bottom, a slider moved, another picture.

Then a sentence spoken, a file uploaded, two answers."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import ROOT

from sere_nb.base.core import EMOTIONS
from sere_nb.corpus.data import mini_corpus


def answering(log):
    "The address that a server wrote into its log, as soon as it answers there."
    for address in reversed(re.findall(r"http://127\.0\.0\.1:\d+/", log)):
        with suppress(OSError):
            urllib.request.urlopen(address + "api", timeout=30).close()
            return address


@pytest.fixture
def lab(tmp_path):
    "JupyterLab on a free port of this machine, serving a folder that holds two chapters."
    for name in ("study/widgets.ipynb", "answers/timeline.ipynb"):
        shutil.copy(ROOT / "nbs" / name, tmp_path)
    (tmp_path / "home").mkdir()
    folders = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")  # no kernel but our own
    own = {**dict.fromkeys(folders, str(tmp_path / "home")), "PYTHONPATH": str(ROOT)}
    environment = {**os.environ, **own}
    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        "--port=0",
        "--IdentityProvider.token=",
        "--LabApp.news_url=",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        f"--ServerApp.root_dir={tmp_path}",
    ]
    log = open(tmp_path / "home" / "log", "w+")
    server = subprocess.Popen(
        command, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
    )
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


def run_all(browser, lab, name):
    "A chapter in JupyterLab, being run from top to bottom."
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    tab.set_default_timeout(120_000)
    tab.goto(f"{lab}lab/tree/{Path(name).name}?reset")
    tab.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
    if "kernelspec" not in json.loads((ROOT / "nbs" / name).read_text(encoding="utf-8"))["metadata"]:
        tab.get_by_role("button", name="Select Kernel").click()  # it names none, so that it runs anywhere
    tab.get_by_text(
        re.compile(r"\| Idle$")
    ).wait_for()  # cells that are run before the kernel answers are dropped
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    return tab


@pytest.fixture
def tab(browser, lab):
    "The chapter of widgets, run."
    tab = run_all(browser, lab, "study/widgets.ipynb")
    tab.get_by_role(
        "button", name="Record", exact=True
    ).wait_for()  # the last panel: everything before it has run
    assert tab.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
    yield tab
    tab.close()


def test_a_session(tab):
    a_live_picture_answers(tab)
    a_slider_changes_the_picture(tab)
    a_voice_gets_an_answer(tab)


def test_what_a_person_answers_reaches_python(browser, lab):
    tab = run_all(browser, lab, "answers/timeline.ipynb")
    panel = tab.locator(".panel:has-text('which emotion'), .panel:has(.words)").first
    panel.get_by_role("button", name=re.compile("^anger")).wait_for()
    panel.scroll_into_view_if_needed()
    for key in ("a", "ArrowRight", "o"):
        panel.locator("h2").first.press(key)
    assert "2 of 3 answered" in panel.inner_text()
    tab.get_by_text(re.compile(r"\| Idle$")).wait_for()
    counted = tab.locator(".jp-CodeCell:has-text('answers so far')").last
    counted.locator(".cm-content").click()

    def both_are_there():
        tab.keyboard.press("Control+Enter")
        counted.locator(".jp-OutputArea-output", has_text="answers so far").wait_for()
        return "2 answers so far" in counted.locator(".jp-OutputArea-output").inner_text()

    wait_until(both_are_there, "Python does not know both answers")
    tab.close()


def a_live_picture_answers(tab):
    panel = tab.locator(".panel:has-text('β shares')")
    panel.scroll_into_view_if_needed()
    panel.get_by_role("button", name="Settle").click()
    before = panel.locator(".said").inner_text()
    assert before.startswith("round 8")
    panel.get_by_label("γ reach").press("ArrowLeft")
    wait_until(lambda: panel.locator(".said").inner_text() != before, "the field is the one from before")


def a_slider_changes_the_picture(tab):
    handle = tab.locator(".widget-slider:has-text('frequency') .noUi-handle")
    handle.scroll_into_view_if_needed()
    picture = tab.locator(".widget-vbox:has(.widget-slider:has-text('frequency')) > img")
    before = contents(picture)
    handle.focus()
    for _ in range(2):
        tab.keyboard.press("ArrowRight")
    wait_until(lambda: contents(picture) != before, "the picture is the one from before the slider moved")
    assert picture.evaluate("image => image.naturalWidth") > 300


def a_voice_gets_an_answer(tab):
    panel = tab.locator(".widget-vbox:has(.widget-upload)").last
    panel.scroll_into_view_if_needed()
    with tab.expect_file_chooser() as chooser:
        panel.get_by_role("button", name=re.compile("Upload")).click()
    chooser.value.set_files(mini_corpus("de").path.iloc[1])
    uploaded = answered(panel)
    started = time.monotonic()
    panel.get_by_role("button", name="Record", exact=True).click()
    tab.wait_for_timeout(2500)
    panel.get_by_role("button", name="Stop", exact=True).click()
    open_for = time.monotonic() - started
    wait_until(lambda: answered(panel) != uploaded, "the recording got no answer")
    emotion, seconds = answered(panel)
    assert (
        emotion in EMOTIONS and 1.5 < seconds < open_for + 1
    )  # the sentence that runs into the microphone, for as long as it was open
    assert [
        image.evaluate("image => image.naturalWidth") > 300 for image in panel.locator("img:visible").all()
    ] == [True, True]


def answered(panel):
    "Emotion and length that the panel names, as soon as it names some."
    text = panel.locator(".widget-html:has(b)")
    text.wait_for()
    emotion, seconds = re.fullmatch(r"(\w+), ([\d.]+) s", text.inner_text().strip()).groups()
    return emotion, float(seconds)


def wait_until(happened, otherwise, patience=60):
    "Until something has happened; fails with a message if it does not."
    deadline = time.monotonic() + patience
    while not happened():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.25)


def contents(picture):
    "The bytes of a picture in the page."
    return picture.evaluate(
        "async image => Array.from(new Uint8Array(await (await fetch(image.src)).arrayBuffer())).join()"
    )
