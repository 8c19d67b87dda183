"""Points and ghosts: what events earn, what viewers pay for, what is done for it outside, and the ledger."""
