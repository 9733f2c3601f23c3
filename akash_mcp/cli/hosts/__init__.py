"""Host applications: what each takes as an entry, and writing it into the host's file."""
