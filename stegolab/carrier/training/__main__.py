"""Train the learned carrier: ``python -m stegolab.carrier.training --strength jpeg --out DIR``.

``make train-carrier`` does the same. Notebook 07 trains in the same way, with the same
``stegolab.carrier.training.trainer.Trainer``.
"""

from ...extras import one_line

with one_line():
    from ...training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.carrier.training.trainer"), __doc__)
