"""What people ask: a model of a method, answers to recordings, and one's own folder."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "recogniser": "semantic_width encoder_of Recogniser adapt save load predict",
        "asking": "Channel Jobs Level Overwrite say predict_command",
        "own": "OWN_FILES recognise hear_own ready_pack labelled check_answers adapt_own right_line write_own",
    },
)
