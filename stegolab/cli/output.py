"""What a command says."""

from __future__ import annotations

import argparse
import json
from typing import Any


def tell(options: argparse.Namespace, report: dict[str, Any], text: str) -> None:
    """Print the report: as JSON when that was asked for, else as ``text``."""
    print(json.dumps(report, indent=2) if options.json else text)
