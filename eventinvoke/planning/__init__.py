"""Planning: what should exist, what an answer settles, which step comes next."""
