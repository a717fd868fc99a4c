"""Code ready to paste: what gives a figure, and the smallest that shows a term of its bridge.

``asking`` writes the code of a figure. ``smallest`` looks for a module that shows a term alone: it cuts
passes out of a trace (``excerpt``) and prices them as traces of their own (``alone``).
"""
