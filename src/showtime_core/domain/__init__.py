"""The domain: what there is, and what follows from it; values and pure rules, which ask nobody."""
