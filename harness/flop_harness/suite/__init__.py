"""Where cases come from: suites in TOML, references to models, and the only place that builds models."""
