"""What earlier versions of the counters charged, by kind of counter: hooks on layers, nodes of a graph."""
