"""Train Prepare, Hiding and Reveal: ``python -m stegolab.related.audio_cnn --out DIR``.

``--mode legacy --side 24`` is the original's set-up. Notebook 09 takes the same steps with the same
:class:`~stegolab.related.audio_cnn.trainer.Trainer`.
"""

from ... import training_command
from .config import TrainConfig
from .trainer import begin

if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
