"""The watch: every now and then somebody looks whether all that was begun comes to its end, and tells what is not well.

Each process that serves looks, and so does `akash-mcp watch`. What a stopped process left is taken up by whoever comes
first; the rest one does for all of them, the one that has the duty. It closes nothing that this server did not create.
"""

from akash_mcp.workflow.watch.looking import Looked as Looked
from akash_mcp.workflow.watch.looking import Watch as Watch
from akash_mcp.workflow.watch.looking import came_to as came_to
from akash_mcp.workflow.watch.looking import keep_telling as keep_telling
from akash_mcp.workflow.watch.looking import keep_watch as keep_watch
from akash_mcp.workflow.watch.looking import left_open as left_open
