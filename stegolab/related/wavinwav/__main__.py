"""Train speech inside speech: ``python -m stegolab.related.wavinwav --out DIR``.

Notebook 12 trains in the same way, with the same :class:`~stegolab.related.wavinwav.trainer.Trainer`. For a GPU:
``--channels 32 --couplings 8 --growth 64 --batch-size 64 --steps 60000``, then once more with ``--init-from BEST
--adversarial-weight 0.2 --embedding-weight 1`` for the sound.
"""

from ...extras import one_line

with one_line():
    from ...training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.related.wavinwav.trainer"), __doc__)
