"""What runs inside a box: a fork server that has the libraries imported before a program comes.

This folder is copied into the container, and bound into the bubblewrap box, on its own: it uses
the standard library alone, imports its own modules by relative name, and knows nothing of a host.
"""
