"""Train Model 1, the speech enhancer: ``python -m stegolab.speech --out DIR``.

The metric phase continues from the weights of such a run: ``--metric-loss both --init-from DIR/best.safetensors``.
``make train-speech`` does both. Notebook 03 trains in the same way, with the same ``stegolab.speech.trainer.Trainer``.
"""

from ..extras import one_line

with one_line():
    from ..training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.speech.trainer"), __doc__)
