"""What talks to a database and belongs to no model."""
