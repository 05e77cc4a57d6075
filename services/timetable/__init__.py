"""Pure time: the grid, working hours and the rules for a visit. Touches no store."""
