"""What containers and their cluster say: `logs`, page by page without a line twice, and `events`."""
