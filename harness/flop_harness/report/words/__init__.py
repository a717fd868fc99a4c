"""How numbers, names and the terms of a bridge are worded, the same in every format."""
