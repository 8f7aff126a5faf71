"""Desktop tools around `edge`: data, drawing, training, quantizing. `edge` never imports them."""
