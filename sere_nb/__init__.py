"""Recognise emotion in speech in a language without labels."""

__version__ = "0.1.0"

_FACE = {  # name -> module it lives in; imported when it is asked for, so that `import sere_nb` costs nothing
    "load_corpus": "data",
    "check_corpus": "data",
    "extract": "features",
    "ResonanceClassifier": "irf",
    "adapt": "recogniser",
    "save": "recogniser",
    "load": "recogniser",
    "predict": "recogniser",
    "recognise": "own",
    "run_study": "study",
}
__all__ = list(_FACE)


def __getattr__(name):
    "The names of the face, from their modules."
    if name in _FACE:
        from importlib import import_module

        return getattr(import_module(f"sere_nb.{_FACE[name]}"), name)
    raise AttributeError(f"module 'sere_nb' has no attribute '{name}'")


def __dir__():
    return sorted([*globals(), *_FACE])
