"""What every implementation of a port keeps to: suites of rules, to be mixed into classes of tests."""
