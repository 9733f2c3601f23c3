"""What is known of well-known images: how they are named, where they listen, what they need."""
