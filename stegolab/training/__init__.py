"""How every network here is trained: its configuration, the step, the loop, the command (notebooks 03, 07, 09 to 12).

A trainer knows what one step is (``trainer``, on top of a ``learner``: a network with its optimiser). ``loop.fit``
takes the steps, measures on the valid split, keeps checkpoints and the best weights, and resumes interrupted runs.
``command`` is the command line. Lightning Fabric carries the same code to one GPU, several, or SLURM.
"""
