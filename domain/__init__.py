"""What the settlement server decides: pure functions and tables, standard library only."""
