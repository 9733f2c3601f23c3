"""An SDL's text as values with their places, read as Console reads YAML."""
