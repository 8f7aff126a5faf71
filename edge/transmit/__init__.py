"""Events, states -> subscribers: events committed to disk and delivered in order, states newest only."""
