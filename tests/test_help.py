"What `help` says: the meaning of every parameter, no addresses, and nothing that an import pays for."

import inspect
import subprocess
import sys

import pytest

import sere_nb
from sere_nb.base.core import documented

FOLDERS = "answers base command corpus encoding field relatives sound study tasks".split()


@pytest.mark.parametrize("name", sere_nb.__all__)
def test_the_face_tells_its_parameters(name):
    thing = getattr(sere_nb, name)
    function = thing.__init__ if inspect.isclass(thing) else thing
    section = inspect.getdoc(thing).partition("Parameters\n----------\n")[2]
    entries = [line.partition(" : ")[0] for line in section.splitlines() if line and not line.startswith(" ")]
    wanted = [one for one in inspect.signature(function).parameters if one != "self"]
    assert entries[: len(wanted)] == wanted
    assert " at 0x" not in f"{inspect.signature(thing)}{inspect.getdoc(thing)}"
    again = documented(thing)
    assert again is thing and thing.__doc__.count("Parameters\n----------") == 1


def test_folders_give_their_names_with_meanings():
    for folder in FOLDERS:
        module = __import__(f"sere_nb.{folder}", fromlist=["*"])
        assert all(hasattr(module, name) for name in getattr(module, "__all__", ()))
        with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
            module.nonsense  # noqa: B018
    assert "    γ, in the unit of the features" in sere_nb.field.resonance.__doc__
    assert inspect.ismodule(__import__("sere_nb.field", fromlist=["folder"]).folder)  # and not the function


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_without_docstrings_all_goes_on(flag):
    code = "from sere_nb import load; print(callable(load), (load.__doc__ or '').count('Parameters'))"
    told = subprocess.run(
        [sys.executable, flag, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert told.split() == ["True", "1" if flag == "-O" else "0"]


def test_without_source_the_docstring_stays():
    space = {}
    exec("def alone(a):\n    'Words.'\n", space)
    assert documented(space["alone"]).__doc__ == "Words."
    assert documented(3) == 3 and documented(None) is None


def test_an_import_reads_no_source():
    code = "import sys, sere_nb.field.voices; print({'tokenize', 'sere_nb._modidx'} & set(sys.modules))"
    loaded = (
        "import sys, sere_nb; print({'inspect', 'ast', 'tokenize', 'sere_nb._modidx'} & set(sys.modules))"
    )
    told = [
        subprocess.run([sys.executable, "-c", one], capture_output=True, text=True).stdout
        for one in (code, loaded)
    ]
    assert "_modidx" not in told[0] and told[1].strip() == "set()"
