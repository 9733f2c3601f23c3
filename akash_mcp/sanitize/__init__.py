"""What becomes of other people's text before a model, a person or the journal sees it. Imports nothing of ours."""
