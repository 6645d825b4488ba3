"""The resonance field, SERE, and the networks that the field teaches."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "irf": "FIELD resonance free_energy organise CollapseWarning ResonanceClassifier",
        "voices": "SERE_METHOD WHOLE like_voices SERE sere",
        "folder": """
            FOLDER unexplained Source adapted nearest_graph agreed random_order questions measuring
            taught_by_owner unseen right_interval share_error temperature_for""",
        "plain": "plain_sere",
        "highlights": "dynamics intensity moments",
        "tric": "chain TricLoss",
        "model": "as_recordings SereModel",
        "checkpoint": "write_checkpoint read_checkpoint",
        "semisup": "train_student learn_network effective_rank Network network_model network",
    },
)
