"""Getting to know people from the command line: their pictures, looked at here and kept in the gallery.

``sources`` finds whose pictures there are, ``scout`` looks at them, ``door`` is the way to the gallery: the
run socket of a service that runs, else the gallery's file itself.
"""
