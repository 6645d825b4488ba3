"The house: data flow down through its folders, nothing private leaves a module, a name has one meaning."

import ast
import importlib
from collections import defaultdict
from pathlib import Path

import pytest

import sere_nb

HOME = Path(sere_nb.__file__).parent
FOLDERS = "base corpus sound encoding tasks field relatives answers study command".split()
MODULES = sorted(path for name in FOLDERS for path in (HOME / name).glob("[!_]*.py"))
TWINS = "field/plain.py"  # the method once more, in one file: with the names of the modules, on purpose


def tree(path):
    "The syntax tree of a module."
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path):
    "(folder, module, name) of everything that a module takes from others of this package."
    here = path.relative_to(HOME).parts[:-1]
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ImportFrom):
            continue
        absolute = (node.module or "").split(".")
        if node.level:
            absolute = ["sere_nb", *here[: len(here) - node.level + 1], *filter(None, absolute)]
        if absolute[0] == "sere_nb" and len(absolute) == 3:
            yield from ((absolute[1], absolute[2], alias.name) for alias in node.names)


def defined(path):
    "Names that a module defines: functions, classes and constants."
    for node in tree(path).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        targets = node.targets if isinstance(node, ast.Assign) else []
        yield from (name.id for one in targets for name in ast.walk(one) if isinstance(name, ast.Name))


def exported(folder):
    "Name -> module of what the modules of a folder export."
    modules = [path.stem for path in MODULES if path.parent.name == folder]
    names = {one: importlib.import_module(f"sere_nb.{folder}.{one}").__all__ for one in modules}
    return {name: module for module, some in names.items() for name in some}


def test_every_folder_has_its_place():
    "A module that no folder of the list holds would be checked by nothing below."
    assert {path.parent.name for path in HOME.glob("*/*.py")} - {"workshop"} == set(FOLDERS)
    assert [path.name for path in HOME.glob("[!_]*.py")] == []


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(HOME).as_posix())
def test_imports_go_down_and_take_nothing_private(path):
    for folder, module, name in imports(path):
        assert FOLDERS.index(folder) <= FOLDERS.index(path.parent.name), f"{folder}.{module} lies above"
        assert not name.startswith("_"), f"{folder}.{module}.{name} is private"
        if folder != path.parent.name:
            assert name in exported(folder), f"{folder}.{module}.{name} is for its own folder only"


def test_a_name_has_one_meaning():
    homes = defaultdict(set)
    for path in MODULES:
        place = path.relative_to(HOME).as_posix()
        for name in set(defined(path)) - {"__all__"} if place != TWINS else ():
            homes[name].add(place)
    assert {name: places for name, places in homes.items() if len(places) > 1} == {}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_face_of_a_folder_is_what_it_exports(folder):
    "All but the four that are called as their module is: under that name a folder holds the module."
    face = importlib.import_module(f"sere_nb.{folder}")
    names = {name: module for name, module in exported(folder).items() if name != module}
    assert sorted(getattr(face, "__all__", ())) == sorted(names)
    for name, module in names.items():
        own = getattr(importlib.import_module(f"sere_nb.{folder}.{module}"), name)
        assert getattr(face, name) is own
