"""What a command says."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from .. import files


def tell(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    """Print the report: as JSON when that was asked for, else as ``text``.

    It goes to standard error where standard output carries what the command made (output ``-``).
    """
    output = getattr(options, "output", None)
    carries = output is not None and files.is_standard_output(output)
    print(json.dumps(report, indent=2) if options.json else text, file=sys.stderr if carries else sys.stdout)
