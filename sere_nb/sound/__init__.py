"""Tracks of a waveform: pitch, loudness, timbre, speech, channels."""

from sere_nb import face

__getattr__, __dir__, __all__ = face(
    __name__,
    {  # module: what others may use of it
        "frames": """
            HOP RECEPTIVE_FIELD frame_count frame_centres windows by_chunk power_spectrum loudness active_frames
            add_noise""",
        "pitch": "autocorrelation crepe_weights crepe swift raw_pitch_accuracy glide",
        "prosody": """
            FUNCTIONALS PROSODY_VERSION spectral_shape flux tracks semitones functionals utterance_features""",
        "normalise": "NORMALISATIONS normalisation_groups Normaliser",
        "channels": "CHANNELS telephone",
        "speech": """
            LONGEST SPOKEN Stretch channel_weights channel_tracks detector_model find_speech cut_out doubts
            speech_sign""",
    },
)
