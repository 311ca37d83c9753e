"""What `varpulis up` and `varpulis demo` do: real processes on this machine.

Nothing here is needed to run a cluster: it starts the same commands and makes
the same HTTP calls that a user would.
"""
