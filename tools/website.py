"Builds the site into _docs/: nbdev prepares it, smalldocs renders it, all it loads is its own."

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from notebooks import RESULTS, ROOT, chapters, exported_name

KATEX = re.compile(r"https://[\w./-]+/katex@[\w.]+/dist/?")
FONT_IMPORT = re.compile(r"@import\s+(?:url\()?[\"']?https?://[^)\"']+[\"']?\)?[^;]*;")
TAG = r"<(?:script|img|iframe|audio|video|source)\b[^>]*?\ssrc=[\"']?(https?:[^\"'\s>]+)"
SHEET = r"<link\b(?=[^>]*rel=[\"']?(?:stylesheet|icon|preload))[^>]*?\shref=[\"']?(https?:[^\"'\s>]+)"
LOADED = re.compile(f"{TAG}|{SHEET}")
LIVE = re.compile(r'<div class="sere-live" data-live="(\w+)"')


def npm_package(name):
    "Folder of a package of tools/package.json, installed at the first use."
    folder = ROOT / "tools" / "node_modules" / name
    wanted = json.loads((ROOT / "tools" / "package.json").read_text(encoding="utf-8"))
    wanted = {**wanted["dependencies"], **wanted["devDependencies"]}[name]
    there = folder / "package.json"
    if there.exists() and json.loads(there.read_text(encoding="utf-8"))["version"] == wanted:
        return folder
    if not shutil.which("npm"):
        sys.exit(f"{name} {wanted} is needed and npm is not there to install it; install Node.js")
    command = ["npm", "ci", "--no-audit", "--no-fund"]
    done = subprocess.run(command, cwd=ROOT / "tools", capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"npm could not install {name}: {done.stderr.strip().splitlines()[-1]}")
    return folder


def fill(processed):
    "Put what is made from the book's own sources into the pages that wait for it."
    import pages
    import tables

    exporting = [path for path in chapters() if exported_name(path)]
    parts = {
        "paper": ("callouts", lambda: "\n\n".join(pages.callouts(chapters()))),
        "reference": ("reference", lambda: "\n".join(pages.modules(exporting))),
        "tables": ("tables", lambda: "\n\n".join(tables.tables(RESULTS))),
        "voice": ("expect", lambda: tables.expectations(RESULTS)),
    }
    for page, (marker, made) in parts.items():
        path = processed / f"{page}.md"
        before, after = path.read_text(encoding="utf-8").split(f"<!-- book: {marker} -->")
        path.write_text(before + made() + after, encoding="utf-8")
    shutil.copytree(RESULTS, processed / "results")


def make_local(site):
    "KaTeX beside the pages, and no font from elsewhere: nothing is asked of another server."
    source = npm_package("katex") / "dist"
    target = site / "site_libs" / "katex"
    target.mkdir(parents=True)
    for name in ("katex.min.css", "katex.min.js", "contrib/auto-render.min.js"):
        (target / name).parent.mkdir(exist_ok=True)
        shutil.copy(source / name, target / name)
    shutil.copytree(source / "fonts", target / "fonts", ignore=shutil.ignore_patterns("*.ttf", "*.woff"))
    for page in site.rglob("*.html"):
        up = "../" * len(page.relative_to(site).parent.parts)
        text = KATEX.sub(f"{up}site_libs/katex/", page.read_text(encoding="utf-8"))
        page.write_text(text, encoding="utf-8")
    for sheet in site.rglob("*.css"):
        sheet.write_text(FONT_IMPORT.sub("", sheet.read_text(encoding="utf-8")), encoding="utf-8")


def make_live(site):
    "The module of each live picture that a page holds, in the page itself: it works from a disk, too."
    from sere_nb.base.live import script

    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        scripts = "\n".join(script(name) for name in sorted(set(LIVE.findall(text))))
        page.write_text(text.replace("</body>", f"{scripts}\n</body>"), encoding="utf-8")


def make_voice(site):
    "What the page of your voice loads once it is asked to: its modules, the runtime, the model."
    import voice

    target, runtime = site / "voice", npm_package("onnxruntime-web") / "dist"
    voice.export(target)
    shared = ROOT / "sere_nb" / "bundled" / "live" / "panel.js"
    for module in (*(ROOT / "site" / "voice").glob("*.js"), shared):
        shutil.copy(module, target)
    (target / "ort").mkdir()
    for name in ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm"):
        shutil.copy(runtime / name, target / "ort")


def make_redirects(site):
    "A page at each address that the book had before, which leads to where it lies now."
    for line in (ROOT / "tools" / "redirects.txt").read_text(encoding="utf-8").splitlines():
        old, new = line.split()
        if not (site / new).exists():
            sys.exit(f"tools/redirects.txt: {new} is not a page of the site")
        place = os.path.relpath(new, Path(old).parent)
        head = (
            f'<meta charset="utf-8"><title>Moved</title><meta http-equiv="refresh" content="0; url={place}">'
        )
        body = f'<body><a href="{place}">Moved</a></body>'
        text = f'<!doctype html><html lang="en"><head>{head}</head>{body}</html>'
        (site / old).write_text(text + "\n", encoding="utf-8")


def check_local(site):
    "Stop if a page would load anything from another server, whoever rendered it."
    faults = [
        f"{page.relative_to(site)} loads {''.join(found)}"
        for page in sorted(site.rglob("*.html"))
        for found in LOADED.findall(page.read_text(encoding="utf-8"))
    ]
    if faults:
        sys.exit("the site would ask other servers:\n" + "\n".join(faults))


def docs():
    "Build the site."
    from nbdev import processors
    from nbdev.serve import proc_nbs

    processors._hide_dirs.discard("exporti")  # what only its own folder uses is part of the text, too

    os.chdir(ROOT)
    os.environ["PYTHONWARNINGS"] = "ignore::UserWarning:nbdev.processors"
    shutil.rmtree(ROOT / "_proc", ignore_errors=True)
    processed = proc_nbs(n_workers=1)
    shutil.copy(ROOT / "_quarto.yml", processed / "_quarto.yml")
    fill(processed)
    subprocess.run(["smalldocs", "render"], check=True, cwd=processed)
    shutil.rmtree(ROOT / "_docs", ignore_errors=True)
    shutil.move(processed / "_docs", ROOT / "_docs")
    make_local(ROOT / "_docs")
    make_live(ROOT / "_docs")
    make_voice(ROOT / "_docs")
    make_redirects(ROOT / "_docs")
    check_local(ROOT / "_docs")
    print("site: _docs/index.html")
