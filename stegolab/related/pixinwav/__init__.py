"""A picture inside a sound's spectrogram (notebook 11): PixInWav, Geleta et al. 2021, so that a WAV carries it."""
