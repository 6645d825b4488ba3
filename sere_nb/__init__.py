"""Recognise emotion in speech in a language without labels."""

__version__ = "0.1.0"

_FACE = {  # name -> module it lives in; imported when it is asked for, so that `import sere_nb` costs nothing
    "load_corpus": "corpus.data",
    "check_corpus": "corpus.data",
    "extract": "encoding.features",
    "SERE": "field.voices",
    "ResonanceClassifier": "field.irf",
    "adapt": "answers.recogniser",
    "save": "answers.recogniser",
    "load": "answers.recogniser",
    "predict": "answers.recogniser",
    "recognise": "answers.own",
    "run_study": "study.study",
}
__all__ = list(_FACE)


def _named(module, name):
    "A name of a module, with the meanings of its parameters in its docstring."
    from importlib import import_module

    from sere_nb.base.core import documented

    return documented(getattr(import_module(module), name))


def _modules_of(folder):
    "{public name: modules} of a folder's functions and classes."
    from sere_nb._modidx import d

    names = {}
    for module, symbols in d["syms"].items():
        for name in (symbol.removeprefix(f"{module}.") for symbol in symbols):
            if module.startswith(f"{folder}.") and "." not in name and not name.startswith("_"):
                names.setdefault(name, []).append(module)
    return names


def _folder(folder):
    "`__getattr__` and `__dir__` of a folder: its public names, from their modules, when they are asked for."

    def get(name):
        from importlib.util import find_spec

        wanted = not name.startswith("_") and find_spec(f"{folder}.{name}") is None  # or else it is a module
        modules = _modules_of(folder).get(name, ()) if wanted else ()
        if len(modules) == 1:
            return _named(modules[0], name)
        several = f"; ask one of {', '.join(modules)}" if modules else ""
        raise AttributeError(f"module '{folder}' has no attribute '{name}'{several}")

    def names():
        return sorted(name for name, modules in _modules_of(folder).items() if len(modules) == 1)

    return get, names


def __getattr__(name):
    "The names of the face, from their modules."
    if name in _FACE:
        return _named(f"sere_nb.{_FACE[name]}", name)
    raise AttributeError(f"module 'sere_nb' has no attribute '{name}'")


def __dir__():
    return sorted([*globals(), *_FACE])
