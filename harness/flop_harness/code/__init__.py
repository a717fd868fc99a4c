"""Python text from records: literals, constructors of modules, models with their inputs."""
