"""The seeded world: several instances on one virtual clock, where one seed decides everything."""
