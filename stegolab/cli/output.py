"""What a command says."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any


def tell(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    """Print the report: as JSON when that was asked for, else as ``text``.

    It goes to standard error where standard output carries what the command made (output ``-``).
    """
    carries = getattr(options, "output", None) == "-"
    print(json.dumps(report, indent=2) if options.json else text, file=sys.stderr if carries else sys.stdout)
