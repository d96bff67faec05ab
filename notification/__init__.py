"""What providers fetch and what they call back: call contents, receipts, confirmations."""
