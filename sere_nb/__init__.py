"""Recognise emotion in speech in a language without labels."""

__version__ = "0.1.0"

_FACE = {  # name -> module it lives in; imported when it is asked for, so that `import sere_nb` costs nothing
    "load_corpus": "corpus.data",
    "check_corpus": "corpus.data",
    "extract": "encoding.features",
    "ResonanceClassifier": "field.irf",
    "adapt": "answers.recogniser",
    "save": "answers.recogniser",
    "load": "answers.recogniser",
    "predict": "answers.recogniser",
    "recognise": "answers.own",
    "run_study": "study.study",
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
