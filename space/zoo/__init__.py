"""The known networks of the field, as values."""
