"""Train the detector network: ``python -m stegolab.detect --carrier inn --strength jpeg --out DIR``.

It learns to distinguish covers from their stego pictures, on crops of whole photographs. Notebook 08 explains what a
detector is; ``benchmarks/detectability.py`` trains in the same way, with the same ``stegolab.detect.trainer.Trainer``.
"""

from ..extras import one_line

with one_line():
    from ..training.command import begin_of, run
    from .config import CommandConfig

if __name__ == "__main__":
    run(CommandConfig(), begin_of("stegolab.detect.trainer"), __doc__)
