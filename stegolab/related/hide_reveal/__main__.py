"""Train Hide-Net and Reveal-Net: ``python -m stegolab.related.hide_reveal --out DIR``.

The defaults are the original's full run, for a GPU. The model card beside the weights that ship has the command that
two CPU cores had time for. Notebook 10 takes the same steps.
"""

from ...extras import one_line

with one_line():
    from ...training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.related.hide_reveal.trainer"), __doc__)
