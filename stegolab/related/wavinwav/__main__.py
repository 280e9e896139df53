"""Train speech inside speech: ``python -m stegolab.related.wavinwav --out DIR``.

Notebook 12 takes the same steps with the same :class:`~stegolab.related.wavinwav.trainer.Trainer`. For a GPU:
``--channels 32 --couplings 8 --growth 64 --batch 64 --steps 60000``, then once more with ``--start BEST
--adversarial-weight 0.2 --embedding-weight 1`` for the sound.
"""

from ... import training_command
from .config import TrainConfig
from .trainer import begin

if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
