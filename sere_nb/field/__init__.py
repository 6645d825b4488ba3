"""The resonance field, SERE, and the networks that the field teaches."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
