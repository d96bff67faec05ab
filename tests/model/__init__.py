"""The model test: the engine beside a naive reference, on random histories.

``machine.py`` draws actions, ``history.py`` does each to the engine (through ``engine.py``, the only place that knows
its names) and to ``reference.py``, and compares who was told, when, by which way, and who was reached.
``invariants.py`` looks at the rows of the database after each action.

A history that fails is printed as a story. Once its cause is mended, write it as a test in
``test_invariants_by_name.py``. Environment variables for the search:

- ``MODEL_EXAMPLES``: histories of the short profile; ``MODEL_WITHOUT=mute,cap``: rules to leave out, by name;
- ``MODEL_SECONDS``, ``MODEL_SEED``: the long profile for so long, beginning with a seed (``script/test --model``);
- ``MODEL_SHRINK_SECONDS``: how long a failure is made smaller; ``MODEL_VERBOSE=1``: the rows below the story.
"""
