"""One module a command: the words it takes, and the run of it, which imports what it needs when it is run."""
