"""What breaks while notices are on their way: workers, servers, providers, the clock.

After each fault: nothing is lost, no phone rings twice for one step, no state goes backwards, and a push
comes twice at most, with the same tag, where its sending was cut off.

The faults that depend on how a database locks and comes back run on each; the others (marked with
``once``) on SQLite only, since the suite has to stay short.
"""
