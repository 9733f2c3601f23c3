"""SDLs that we write: from an image and a few numbers, or from a compose file."""
