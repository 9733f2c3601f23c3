"""What is about to be done, exactly, as a person is shown it."""
