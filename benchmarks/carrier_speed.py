"""Seconds to hide and to reveal in a cover of one megapixel, for each carrier, and training steps a second.

    python benchmarks/carrier_speed.py [--carriers lattice inn] [--threads 2] [--refine 0] [--steps 5]

Imports and the reading of weights are not counted: one small picture goes through first. The cover is one of the
sample photographs, enlarged; the message fills half of what it carries. In brackets the processors' seconds, which are
what can be compared on a busy machine.
"""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from PIL import Image

from stegolab.carrier.interface import Carrier
from stegolab.data import sample_covers
from stegolab.images import from_array
from stegolab.pipeline import carrier_for
from stegolab.receiver import receive
from stegolab.sender import Sender

KEY, SALT, SIDE = b"k" * 32, b"s" * 16, 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carriers", nargs="+", default=["lattice", "inn"])
    parser.add_argument("--strengths", nargs="+", default=["jpeg", "social"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--refine", type=int, default=0, help="steps, of the learned carrier")
    parser.add_argument("--steps", type=int, default=5, help="of training; 0: none")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(f"{options.threads} threads, {SIDE} x {SIDE}, refine {options.refine}: seconds (of the processors)")
    for strength in options.strengths:
        for name in options.carriers:
            carrier = carrier_for(strength, name)
            if options.refine and name == "inn":
                carrier = replace(carrier, refine=options.refine)  # type: ignore[type-var]
            hide_and_reveal(cover(512), carrier)
            print(f"{strength:7s} {name:8s}", *hide_and_reveal(cover(SIDE), carrier), sep="  ", flush=True)
        if options.steps:
            print(f"{strength:7s} training", train(strength, options.steps), sep="  ", flush=True)


def cover(side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(sample_covers()["coffee"]).resize((side, side), Image.Resampling.LANCZOS))


def hide_and_reveal(rgb: np.ndarray, carrier: Carrier) -> list[str]:
    clock = Clock()
    with clock("rehearse"):
        sender = Sender.on(from_array(rgb), carrier)
    message = np.random.default_rng(0).bytes(sender.capacity() // 2)
    with clock("embed and check"):
        stego = sender.send(message, KEY, salt=SALT).picture
    with clock("reveal"):
        found, _ = receive(stego, KEY, [carrier])
    assert found == message
    return clock.said


def train(strength: str, steps: int) -> str:
    from lightning_fabric import Fabric

    from stegolab.carrier.training.config import TrainConfig
    from stegolab.carrier.training.trainer import Trainer

    trainer = Trainer(TrainConfig(strength=strength, crop=192), Fabric(accelerator="cpu", devices=1))
    pictures = [cover(512)]
    trainer.advance(pictures)
    clock, began = Clock(), time.perf_counter()
    with clock(f"{steps} steps"):
        for _ in range(steps):
            trainer.advance(pictures)
    return f"{steps / (time.perf_counter() - began):.2f} steps a second  {clock.said[0]}"


class Clock:
    """What was timed, in words."""

    def __init__(self) -> None:
        self.said: list[str] = []

    @contextmanager
    def __call__(self, what: str) -> Iterator[None]:
        wall, cpu = time.perf_counter(), time.process_time()
        yield
        self.said.append(f"{what} {time.perf_counter() - wall:.2f} ({time.process_time() - cpu:.2f})")


if __name__ == "__main__":
    main()
