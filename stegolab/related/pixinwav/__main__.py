"""Train PixInWav: ``python -m stegolab.related.pixinwav --out DIR``.

Notebook 11 takes the same steps with the same :class:`~stegolab.related.pixinwav.trainer.Trainer`.
"""

from ... import training_command
from .config import TrainConfig
from .trainer import begin

if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
