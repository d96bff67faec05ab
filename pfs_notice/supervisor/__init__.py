"""One parent for all processes of the embedded stack: ``python -m pfs_notice.supervisor``.

::

    supervisor (has Django loaded, and forks)
    ├── broker      Valkey on a unix socket
    ├── web         granian, RSGI
    ├── worker      Celery, queue ``fire``
    ├── slow        Celery, queue ``slow``: a slow mail server never delays a call
    ├── beat        Celery's clock
    └── simulator   the simulated telephone company, where no real one is configured

The children are forked from a parent that has loaded the code, so that they share its memory: six
processes that each load it themselves take twice as much.
"""
