"What all tests share: tiers, one thread, no network, no progress bars, real corpora if they are there."

import contextlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import warnings
from collections import Counter, defaultdict
from html import unescape
from importlib.util import find_spec
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", OMP_NUM_THREADS="1", SERE_PROGRESS="0", TOKENIZERS_PARALLELISM="false")

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORPORA = ROOT.parent / "shared" / "corpora"
sys.path.insert(0, str(ROOT / "tools"))
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
# Looked at on one page only: the marks of code and formulas are the same everywhere, and most of a page.
CODE = ["pre code"], [".katex"]
QUIET = """--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --autoplay-policy=no-user-gesture-required
    --use-fake-ui-for-media-stream --use-fake-device-for-media-stream"""


# --- tiers: what a test needs decides, before what its file says; pytest.ini declares the markers

NEEDS = {"browser": {"browser", "site"}, "wheel": {"wheel"}}
TIERS = ("book", "browser", "wheel", "slow")


@pytest.hookimpl(tryfirst=True)  # before pytest reads -m
def pytest_collection_modifyitems(items):
    "Mark tests by the fixtures they use, unless their file has marked them."
    for item in items:
        if not any(map(item.get_closest_marker, TIERS)):
            names = [name for name, fixtures in NEEDS.items() if fixtures & set(item.fixturenames)]
            if names:
                item.add_marker(names[0])


def pytest_sessionfinish(session):
    "Where every tier has to run, one that was asked for and of which no test has passed is a failure."
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not (reporter and os.environ.get("SERE_CI")):
        return
    asked = session.config.option.markexpr
    passed = {name for report in reporter.stats.get("passed", ()) for name in report.keywords}
    silent = [name for name in TIERS if name in asked and not asked.startswith("not") and name not in passed]
    if silent:
        reporter.ensure_newline()
        reporter.write_line(f"no test has passed of: {', '.join(silent)}", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    "How many tests of each tier there were, how they ended, and the seconds they took, fixtures included."
    counts, seconds = defaultdict(Counter), Counter()
    for outcome, reports in terminalreporter.stats.items():
        for report in reports:
            tier = next((name for name in TIERS if name in getattr(report, "keywords", ())), "behaviour")
            seconds[tier] += getattr(report, "duration", 0)
            if outcome in ("passed", "failed", "error", "skipped"):
                counts[tier][outcome] += 1
    for tier, ended in counts.items():
        told = ", ".join(f"{count} {outcome}" for outcome, count in ended.items())
        terminalreporter.write_line(f"tier {tier}: {told}; {seconds[tier]:.0f} s of test processes")


@pytest.fixture(scope="session")
def real_corpora():
    "Folder with emodb, emovo, ravdess and nemo; tests that need it are skipped by name elsewhere."
    if not CORPORA.is_dir():
        pytest.skip(f"real corpora are not at {CORPORA}")
    return CORPORA


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    """once(name, make): the folder that `make` fills.

    It is made by whichever process comes first and shared by all."""
    from filelock import FileLock

    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def folder(name, make):
        with FileLock(shared / f"{name}.lock"):
            if not (shared / name).exists():
                make(shared / f"{name}.part")
                (shared / f"{name}.part").rename(shared / name)
        return shared / name

    return folder


def known_files():
    "Names of the files that git knows, as they stand in the working tree."
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.strip("\0").split("\0") if (ROOT / name).is_file()]


def pip(*words):
    "Run pip of this interpreter; without network, as everything that is needed is there already."
    command = [sys.executable, "-m", "pip", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.fixture(scope="session")
def wheel(once):
    "The package as it would be published; build.log beside it is what the build said."

    def build(folder):
        for name in known_files():
            if not name.startswith(("nbs/", "tests/")):
                (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / "source" / name)
        said = pip("wheel", "--no-deps", "--no-build-isolation", "-v", "-w", folder, folder / "source")
        (folder / "build.log").write_text(said, encoding="utf-8")

    return next(once("wheel", build).glob("*.whl"))


@pytest.fixture(scope="session")
def installed(once, wheel):
    "Folder in which nothing but the wheel is installed; on PYTHONPATH it comes before every other copy."
    return once("installed", lambda folder: pip("install", "--no-deps", "-q", "--target", folder, wheel))


@pytest.fixture
def sere(tmp_path, monkeypatch):
    """Run the command in this process, as a terminal would run it in one of its own.

    Tests of what only a process shows (signals, exit, pipes) start one themselves."""

    def run(*words, cwd=tmp_path, env=None):
        from sere_nb.command.cli import main

        words, streams = ["sere", *map(str, words)], (io.StringIO(), io.StringIO())
        with monkeypatch.context() as here, warnings.catch_warnings():
            warnings.resetwarnings()
            for kind in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
                warnings.simplefilter("ignore", kind)  # as a fresh interpreter does
            here.setattr(sys, "argv", words)
            here.chdir(cwd)
            for name, value in (env or {}).items():
                here.setenv(name, value)
            with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
                try:
                    main()
                    code = 0
                except SystemExit as end:
                    code = end.code or 0
        return subprocess.CompletedProcess(words, code, *(stream.getvalue() for stream in streams))

    return run


def one_line(done):
    "What a failed command said: exactly one line on stderr, and no traceback."
    lines = done.stderr.strip().splitlines()
    assert done.returncode != 0, done.stdout
    assert len(lines) == 1, done.stderr
    return lines[0]


def page_data(path):
    "What a page of answers has been given to show."
    (told,) = re.findall(r'data-live="answers" data-with="([^"]*)"', path.read_text(encoding="utf-8"))
    return json.loads(unescape(told))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Chromium, driven by Playwright, with a sentence that runs into its microphone again and again.

    A machine without it skips, except where `.ci/run` has installed it."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        if os.environ.get("SERE_CI"):
            pytest.fail("no Chromium although .ci/run installs it")
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    import soundfile
    from playwright.sync_api import sync_playwright

    from sere_nb.corpus.audio import read_audio
    from sere_nb.corpus.data import mini_corpus

    said = tmp_path_factory.mktemp("microphone") / "said.wav"
    soundfile.write(said, read_audio(mini_corpus("de").path.iloc[0]), 16_000)
    words = [*QUIET.split(), f"--use-file-for-fake-audio-capture={said}"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=words)
        yield chromium
        chromium.close()


# --- the site


@pytest.fixture(scope="session")
def site(once):
    "Folder with the site as it is built now."
    if not find_spec("smalldocs"):
        pytest.skip("smalldocs, which renders the site, is not here: it needs Python 3.11")

    def build(folder):
        command = [sys.executable, str(ROOT / "tools" / "book.py"), "docs"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        shutil.copytree(ROOT / "_docs", folder)

    return once("site", build)


@pytest.fixture(scope="module")
def address(site):
    "The site on a port of this machine."

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *words):
            super().__init__(*words, directory=str(site))

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def opened(browser, address, page, **options):
    "A page in a fresh tab of a browser or a context, and what went wrong while it, or a later page, loaded."
    tab, faults = browser.new_page(**options), []
    told = lambda fault: faults.append(f"{tab.url.removeprefix(address)}: {fault}")
    tab.on("console", lambda message: told(message.text) if message.type == "error" else None)
    tab.on("pageerror", told)
    tab.on(
        "request",
        lambda request: (
            told(f"asks {request.url}") if not request.url.startswith((address, "data:", "blob:")) else None
        ),
    )
    tab.goto(address + page)
    return tab, faults


def serious(tab, with_code, within="html"):
    "Serious and critical faults that axe-core finds on a page, or in what a selector finds there."
    from website import npm_package

    context = {"include": [within], "exclude": [] if with_code else CODE}
    tab.evaluate((npm_package("axe-core") / "axe.min.js").read_text(encoding="utf-8"))
    found = tab.evaluate("context => axe.run(context, {resultTypes: ['violations']})", context)["violations"]
    return [
        f"{fault['id']}: {fault['nodes'][0]['html'][:200]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
    ]


EMOTIONS = ("anger", "fear")


def corpus(folder, rows=12, skipped=(), **columns):
    "A folder of short noises by two speakers with two emotions; the skipped ones cannot be used."
    import soundfile

    from sere_nb.base.core import generator

    folder.mkdir()
    lines = ["path,speaker,emotion,language"]
    for i in range(rows):
        samples = generator("hostile", folder.name, i).normal(0, 0.1, 4_000 + 10 * i)
        soundfile.write(
            folder / f"{i:02}.wav", samples * (1e-6 if i in skipped else 1), 16_000, subtype="FLOAT"
        )
        cells = dict(speaker=f"s{i * 2 // rows}", emotion=EMOTIONS[i % 2], language="de", **columns)
        lines.append(",".join([f"{i:02}.wav", *(cells[name] for name in ("speaker", "emotion", "language"))]))
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder
