"""Train Prepare, Hiding and Reveal: ``python -m stegolab.related.audio_cnn --out DIR``.

``--mode legacy --side 24`` is the set-up of the original. Notebook 09 trains in the same way, with the same
:class:`~stegolab.related.audio_cnn.trainer.Trainer`.
"""

from ...extras import one_line

with one_line():
    from ...training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.related.audio_cnn.trainer"), __doc__)
