"""Forms of the pages that connect accounts."""
