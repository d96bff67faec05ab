"""One test for each arrow of the flow, from the source to the applied receipt, with real processes."""
