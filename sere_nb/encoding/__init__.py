"""A frozen speech encoder, and features of recordings."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "layers": "convolution attention",
        "encoder": "PER_LANGUAGE receptive_field Encoder load_encoder",
        "encode": "whisper_states activity pool",
        "cache": "audio_digest sound_digest pack_sounds FeatureCache",
        "features": "report_faults feature_recipes extract_usable extract extract_frames",
    },
)
