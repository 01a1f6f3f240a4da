"""Start a model server for a run, watch it, start it again when it dies, and end it.

`options` says what a config may ask for, `engines` what each engine is, `plan` which models a
server answers for; `server` runs it, under the `guard`, which ends it when the run ends.
"""

LOG = "serve.log"
"""The server's log, in the run's folder."""
HEAD = "──"
"""What the guard's own lines in that log begin with."""
