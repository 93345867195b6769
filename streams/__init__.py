"""The Faust side of supportpulse: it moves data and decides nothing."""
