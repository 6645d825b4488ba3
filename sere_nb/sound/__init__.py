"""Tracks of a waveform: pitch, loudness, timbre, speech, channels."""

from sere_nb import _folder

__getattr__, __dir__ = _folder(__name__)
