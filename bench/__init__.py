"""Speed, in figures: nothing here passes or fails."""
