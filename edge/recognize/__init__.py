"""Frame -> Detections, Targets -> Descriptions: what is seen, one folder for each recognizer."""
