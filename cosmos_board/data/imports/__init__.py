"""Import files, which say what raw images and masks hold, and how they are carried out."""
