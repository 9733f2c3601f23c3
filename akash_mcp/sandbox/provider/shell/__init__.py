"""A small POSIX shell, for what a container's command and a tenant's `exec` are seen to do.

`syntax` is what a script is made of, `parser` reads it, `expansion` and `arithmetic` turn words into text, `machine`
carries it out, `builtins` are the words that change the shell itself, `programs` and `text_programs` those it starts,
`files` what they write to, `streams` what they write through. Time is simulated: what waits is a generator that yields
how long.
"""
