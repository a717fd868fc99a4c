"""The site: every model, counter and claim of a folder of results, as pages that need no server.

The way through it::

    combine    runs of several suites as one run
    sources    what lies in the results: runs, timelines, times, the audit
    ...        a file for each kind of page: plain data, which a template or a script shows
    vendor     the libraries that pages use, from the package registry
    build      which files are written
"""
