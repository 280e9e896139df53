"""The channel between sender and receiver: what platforms do to a picture on its way."""
