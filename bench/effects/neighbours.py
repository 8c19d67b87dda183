"""The stand-ins of the tests for auth and the ledger, in a process of their own.

    PYTHONPATH=tests python bench/effects/neighbours.py MILLISECONDS

prints where they are, as one line of JSON; for each line that it reads it prints how many credits the ledger
holds. It ends with its standard input.
"""

import json
import sys

from support.auth_service import Auth
from support.ledger_service import LedgerService


def main() -> None:
    """Run them, the ledger taking so long for each credit."""
    with Auth() as auth, LedgerService(auth=auth) as ledger:
        milliseconds = int(sys.argv[1])
        if milliseconds:
            ledger.trouble("slow", only="/inflow", late=milliseconds / 1e3)
        _say({"auth": auth.url, "ledger": ledger.url})
        for _ in sys.stdin:
            _say(sum(map(len, list(ledger.flows.values()))))


def _say(something: object) -> None:
    sys.stdout.write(json.dumps(something) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
