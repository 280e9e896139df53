"""Read pickles of plain numpy arrays only: a pickle is a program, so only the parts of arrays may be called."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from stegolab.errors import BadData

_reconstruct = np.zeros(1).__reduce__()[0]  # how numpy rebuilds an array; its module moved between versions

_ADMITTED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    ("numpy._core.multiarray", "_reconstruct"): _reconstruct,
}


def load_arrays(file: Path) -> Any:
    """Read lists and dicts of numpy arrays, numbers and strings; a str of Python 2 becomes bytes.

    Raises:
        BadData: the file is missing, damaged, or asks for anything but numpy arrays.
    """
    try:
        with file.open("rb") as stream:
            return _ArraysOnly(stream, encoding="bytes").load()
    except OSError as error:
        raise BadData(f"cannot read {file}: {error.strerror}") from error
    except BadData:
        raise
    except Exception as error:  # a damaged pickle raises almost anything
        raise BadData(f"{file} is damaged: {error}") from error


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise BadData(f"refusing a pickle that asks for {module}.{name}: only numpy arrays are allowed")
        return _ADMITTED[module, name]
