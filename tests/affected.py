"Which notebooks a change can have changed: those that are part of it, and those that import what is."

import ast
import functools
import json
import re
import subprocess

from notebooks import NOTEBOOKS, RESULTS, ROOT, notebooks

PACKAGE = ROOT / "sere_nb"
MAGIC = re.compile(r"(?m)^\s*[%!].*$")  # no Python; a shell line runs the command
EVERYTHING = ("settings.ini", "setup.py", "sere_nb/__init__.py", "tools/execute.py", "tools/warm.py")


def git(*words):
    "Lines that git prints; none where it fails."
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True)
    return done.stdout.splitlines() if done.returncode == 0 else []


def changes(base="main"):
    "Paths that are not as the branch left `base`, committed or not; None if git cannot tell."
    fork = git("merge-base", base, "HEAD")
    if not fork:
        return None
    return {*git("diff", "--name-only", fork[0]), *git("ls-files", "--others", "--exclude-standard")}


@functools.cache
def module_path(name):
    "The file of a module of the package, such as `sere_nb.base.core`; None if it is none."
    place = ROOT.joinpath(*name.split("."))
    files = (place.with_suffix(".py"), place / "__init__.py")
    return next((path for path in files if name.split(".")[0] == "sere_nb" and path.exists()), None)


def imported(source, package=""):
    "Files of the package that a Python text imports, wherever in it; relative imports start at `package`."
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            names |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    names = {faces().get(name, name) for name in names}
    return {path for name in names if (path := module_path(name))}


@functools.cache
def faces():
    "`sere_nb.NAME` and `sere_nb.FOLDER.NAME` -> the module that they come from."
    made = {}
    for file in (PACKAGE / "__init__.py", *PACKAGE.glob("*/__init__.py")):
        package = ".".join(file.relative_to(ROOT).parent.parts)
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "face":
                listed = ast.literal_eval(node.args[1]).items()
                every = [(name, home) for home, names in listed for name in names.split()]
                made |= {f"{package}.{name}": f"{package}.{home}" for name, home in every}
    return made


@functools.cache
def imported_by(path):
    "Files of the package that one of its modules imports."
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return imported(path.read_text(encoding="utf-8"), package)


def reached(files):
    "These files and every file that they import, directly or not."
    left, seen = set(files), set()
    while left:
        path = left.pop()
        seen.add(path)
        left |= imported_by(path) - seen
    return seen


@functools.cache
def needs(notebook):
    "Files of the package that a notebook runs; those of the command if it has a line for the shell."
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    first = imported(MAGIC.sub("pass", code))
    first |= {module_path(module) for name, module in faces().items() if name in code}
    if re.search(r"(?m)^\s*[%!].*\bsere\b|sere_nb\.command", code):
        first.add(PACKAGE / "command" / "cli.py")
    return reached(first)


def affected(changed):
    "The notebooks that a set of changed paths, relative to the repository, can have changed."
    bundled = changed and any(path.startswith("sere_nb/bundled/") for path in changed)
    if changed is None or bundled or changed & set(EVERYTHING):
        return notebooks()
    paths = {ROOT / path for path in changed}
    claims = {path.relative_to(RESULTS).parts[0] for path in paths if RESULTS in path.parents}

    def is_affected(notebook):
        if notebook in paths or NOTEBOOKS / "solutions" / notebook.name in paths or paths & needs(notebook):
            return True
        text = notebook.read_text(encoding="utf-8")
        return any(f"{claim}/" in text for claim in claims)

    return [path for path in notebooks() if is_affected(path)]
