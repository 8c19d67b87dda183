"""Print how many of the mutants were found, and end with an error where it is less than 95 of 100."""

import json
import sys
from pathlib import Path

WANTED = 0.95

counts = json.loads(Path("mutants/mutmut-cicd-stats.json").read_text())
found, missed = counts["killed"] + counts["timeout"], counts["survived"] + counts["no_tests"]
share = found / max(1, found + missed)
print(f"{found:,} of {found + missed:,} mutants were found: {share:.1%}")
sys.exit(share < WANTED)
