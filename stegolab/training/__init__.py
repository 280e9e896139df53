"""How every network here is trained: configuration, step, loop and command (notebooks 03, 07, 09 to 12).

A trainer defines one step (``trainer``, which uses a ``learner``: a network with its optimiser). ``loop.fit`` runs the
steps, measures on the valid split, keeps checkpoints and the best weights, and resumes interrupted runs. ``command`` is
the command line. Lightning Fabric runs the same code on one GPU, on several, or under SLURM.
"""
