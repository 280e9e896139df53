"""What every trainer of one network has: a seed, a state that resumes to the bit, and the file that ships."""

import torch

from tests.training import assert_resumes, assert_seeded, cpu, same, weights
from tests.training.line import LineConfig, LineTrainer


def test_a_trainer_of_one_network_is_seeded_and_resumes(tmp_path):
    assert_seeded(lambda seed: LineTrainer(LineConfig(seed=seed), cpu()), 1.0)
    resumed, whole = assert_resumes(lambda: LineTrainer(LineConfig(), cpu()), 1.0, 3, tmp_path)
    resumed.export(tmp_path / "weights.pt")
    assert same(torch.load(tmp_path / "weights.pt"), whole.learner.averaged)
    assert same(weights(resumed), weights(whole))  # lending the averaged ones has changed nothing
