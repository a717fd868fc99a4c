"""Tables, bridges and runs on a terminal: the only room that knows rich, beside the commands."""
