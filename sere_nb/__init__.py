"""Recognise emotion in speech in a language without labels."""

__version__ = "0.1.0"


def face(
    package,  # name of a package
    modules,  # {module of it: names that others may use, separated by spaces}
):  # its `__getattr__`, `__dir__` and `__all__`
    """The names of a package, fetched from their modules when they are asked for, so that an import costs nothing.

    Each comes with the meanings of its parameters in its docstring."""
    home = {name: module for module, names in modules.items() for name in names.split()}

    def get(name):
        from importlib import import_module

        if name not in home:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        from sere_nb.base.core import documented

        return documented(getattr(import_module(f"{package}.{home[name]}"), name))

    return get, lambda: sorted(home), list(home)


__getattr__, __dir__, __all__ = face(
    __name__,
    {
        "corpus.data": "load_corpus check_corpus",
        "encoding.features": "extract",
        "field.voices": "SERE",
        "field.irf": "ResonanceClassifier",
        "answers.recogniser": "adapt save load predict",
        "answers.own": "recognise",
        "study.study": "run_study",
    },
)
