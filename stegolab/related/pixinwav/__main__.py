"""Train PixInWav: ``python -m stegolab.related.pixinwav --out DIR``.

Notebook 11 trains in the same way, with the same :class:`~stegolab.related.pixinwav.trainer.Trainer`.
"""

from ...extras import one_line

with one_line():
    from ...training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.related.pixinwav.trainer"), __doc__)
