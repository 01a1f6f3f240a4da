"""The fork server that runs inside a box and has the libraries imported before programs arrive.

Only this folder is copied into the container or mounted in the bubblewrap box. So it uses nothing
but the standard library, and imports its own modules by relative name.
"""
