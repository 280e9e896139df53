"""Train Hide-Net and Reveal-Net: ``python -m stegolab.related.hide_reveal --out DIR``.

The defaults are the original's full run, for a GPU. The model card beside the weights that ship has the command that
two CPU cores had time for. Notebook 10 takes the same steps.
"""

from ... import training_command
from .config import TrainConfig
from .trainer import begin

if __name__ == "__main__":
    training_command.run(TrainConfig(), begin, __doc__)
