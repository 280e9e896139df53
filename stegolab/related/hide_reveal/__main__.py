"""Train Hide-Net and Reveal-Net: ``python -m stegolab.related.hide_reveal --out DIR``.

The defaults are the full run of the original, for a GPU. The model card beside the shipped weights has the shorter
command that was run on two CPU cores. Notebook 10 trains in the same way.
"""

from ...extras import one_line

with one_line():
    from ...training.command import begin_of, run
    from .config import TrainConfig

if __name__ == "__main__":
    run(TrainConfig(), begin_of("stegolab.related.hide_reveal.trainer"), __doc__)
