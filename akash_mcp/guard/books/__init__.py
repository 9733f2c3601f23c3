"""What is written down: the file and its transactions, what is reserved, what is under way and who has it in hand."""
